"""The only SQL of ingest_svc."""
