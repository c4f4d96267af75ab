"""Owns what a general MQTT broker does with a message: whom it reaches, what is kept. Knows no socket and no Hub."""
