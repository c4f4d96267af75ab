"""Owns the installer's work: organisations, projects, and the way of a home to its owner. Opens nothing it keeps."""
