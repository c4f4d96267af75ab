"""Golden vectors: how proto/golden is made and replayed. It holds test keys only, and serves no client."""
