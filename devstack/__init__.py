"""The whole of Ora on one machine, with one command: `ora`."""
