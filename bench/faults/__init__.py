"""What users see when a component dies, stands still, loses its certificate or its disk; and how soon it is over."""
