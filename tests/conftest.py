"""Loaded before any test module."""

import mesh  # noqa: F401 - must come before gRPC, which reads its TLS settings when it is first imported
