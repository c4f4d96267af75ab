"""Owns how long something may take on a machine that has other things to do as well."""

from __future__ import annotations

import os


def patience(seconds: float) -> float:
    """Return what ``seconds`` of an idle machine are on this one now."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
