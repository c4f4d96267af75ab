"""The story of one sealed packet, told on real components: `ora demo`. Each group of steps is a module."""
