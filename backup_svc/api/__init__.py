"""gRPC handlers: unpack, ask domain and store, pack."""
