"""Owns the relay's gRPC side: what it serves and whom it asks. Turns messages into the node's words and back."""
