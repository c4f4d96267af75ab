"""SQL of the schema `backup`, one aggregate a module."""
