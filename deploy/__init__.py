"""Owns how Ora is built into images, placed on clusters and watched. Nothing that serves imports this."""
