"""Owns etags: sixteen digits of a row's revision."""

from __future__ import annotations

from mesh.errors import AbortedError


def etag_of(revision: int) -> str:
    """Return the etag of a revision."""
    return f"{revision:016x}"


def check_etag(given: str, revision: int) -> None:
    """Refuse a change of what was changed since it was read; an empty etag asks for no check."""
    if given not in {"", etag_of(revision)}:
        raise AbortedError("the resource was changed since the etag was read", reason="ETAG_MISMATCH")
