"""Owns the shape of what `ora doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer, and what to do where it is not well."""

    well: bool
    what: str
    remedy: str = ""
