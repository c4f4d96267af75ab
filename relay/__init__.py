"""Owns the MQTT relay: it carries sealed envelopes between Hubs and apps, stores nothing and can open nothing."""
