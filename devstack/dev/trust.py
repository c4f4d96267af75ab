"""Owns whom clients of a local stack believe."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def trust(ca_file: Path) -> ssl.SSLContext:
    """Return the context of a client that believes the certificates of one file."""
    return ssl.create_default_context(cafile=ca_file)
