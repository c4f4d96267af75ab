"""Operators' work on firmware: the offline roles of TUF, and calls to fleet for a person of Ora's staff."""
