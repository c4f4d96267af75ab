"""Owns sockets, TLS and turns of the loop. Decides nothing: bytes go to ``relay.handlers``, answers come from there."""
