"""Builds what other teams take: two wheels, a C tarball, an npm package. The same sources give the same bytes."""
