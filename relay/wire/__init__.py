"""Owns the MQTT 3.1.1 and 5.0 encoding: bytes to packets and back. Knows no socket, no session and no topic of ours."""
