"""Owns the portal's recurring work: timers, erasure, what is to be told to the registry, and sweeping."""
