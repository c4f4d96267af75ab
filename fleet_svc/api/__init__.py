"""The gRPC services of fleet_svc: unpack, ask domain and store, pack."""
