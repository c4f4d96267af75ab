"""The commands of `ora`, one module each."""
