"""Health telemetry: numbers that tell whether a Hub is well, and nothing that tells whether somebody is home."""
