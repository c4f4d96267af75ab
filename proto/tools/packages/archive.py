"""Owns archives whose bytes follow from their content alone: sorted names, one time, no owner."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODE, _PROGRAM = 0o644, 0o755


def tar_gz(files: Mapping[str, bytes], *, epoch: int) -> bytes:
    """Return a `.tar.gz` of ``files``, by path."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mtime = epoch
            member.mode = _PROGRAM if name.endswith(".sh") else _MODE
            archive.addfile(member, io.BytesIO(files[name]))
    return gzip.compress(packed.getvalue(), compresslevel=9, mtime=epoch)
