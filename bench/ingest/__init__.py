"""How fast telemetry is judged, and brought into PostgreSQL."""
