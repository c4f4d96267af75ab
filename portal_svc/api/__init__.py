"""Owns the portal's gRPC handlers: they unpack, ask domain and store, and pack."""
