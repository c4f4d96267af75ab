"""Owns what joins workers on many hosts: the directory, the links between them, and what waits for who is away."""
