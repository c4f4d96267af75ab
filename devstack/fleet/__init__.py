"""Operators' work on the registry of Hubs that is more than one call."""
