"""Owns the tools that check and build the deployment."""
