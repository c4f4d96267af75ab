"""Owns the images of the services: what goes into each, how it is built, and that it starts."""
