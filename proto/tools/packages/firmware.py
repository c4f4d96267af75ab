"""Owns the C tarball: sources, CMake and Makefile, the reference Hub, the vectors, and what to read first."""

from __future__ import annotations

from proto.tools.firmware.descriptors import ROOT
from proto.tools.packages.archive import tar_gz
from proto.tools.packages.sources import below, epoch, version

_DOCUMENTS = ("docs/firmware-guide.md", "docs/backup-format.md", "proto/CHANGELOG.md", "proto/VERSION")


def build() -> dict[str, bytes]:
    """Return the tarball by its name."""
    top = f"ora-firmware-{version()}"
    files = below(ROOT / "proto" / "firmware", f"{top}/firmware/")
    files |= below(ROOT / "proto" / "golden", f"{top}/golden/")
    files |= {f"{top}/{path.rpartition('/')[2]}": (ROOT / path).read_bytes() for path in _DOCUMENTS}
    return {f"{top}.tar.gz": tar_gz(files, epoch=epoch())}
