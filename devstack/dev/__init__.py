"""What `ora dev` does: each module one act on the local stack, without its command line."""
