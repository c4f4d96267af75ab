"""Owns what is measured and how it is told: suites that start real servers, and the tables of `docs/benchmarks.md`."""
