"""Decides; no I/O, no clock, no protobuf classes."""
