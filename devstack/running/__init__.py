"""Starting, watching and stopping processes: knows components by what they declare, and none by name."""
