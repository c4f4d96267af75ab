"""Owns bringing PostgreSQL back: what must hold in a restored database, and the rehearsal of a restore to a moment."""
