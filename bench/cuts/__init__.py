"""Owns how soon a live session ends, on whichever relay it is, when it may not be any longer."""
