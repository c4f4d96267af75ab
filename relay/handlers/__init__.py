"""Owns what each packet of a client does, one packet kind a module. Knows the node's state and the wire, no socket."""
