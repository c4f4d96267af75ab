"""Owns what the portal decides; knows no I/O, no clock and no contract."""
