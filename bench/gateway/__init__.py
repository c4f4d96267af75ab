"""Owns what the front door costs: the same call over REST with every filter, and by gRPC without; and open streams."""
