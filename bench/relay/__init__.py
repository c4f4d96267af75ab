"""Owns the relay's measurements, side by side with Mosquitto and amqtt. Knows the relay only by its sockets."""
