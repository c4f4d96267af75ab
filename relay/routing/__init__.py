"""Owns every decision of the relay as plain state: who may connect, what goes where, what waits, what is dropped.

Knows no socket, no event loop and no clock of its own; ``relay.io`` and ``relay.api`` bring bytes, time and answers.
"""
