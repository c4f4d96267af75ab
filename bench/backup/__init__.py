"""What it costs to look at a backup while it streams by."""
