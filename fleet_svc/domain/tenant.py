"""Owns the tenant that the registry belongs to. A Hub row belongs to no installer and no home (ADR 0050)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from mesh.ids import TenantId

# The one tenant of kind PLATFORM: ourselves.
PLATFORM: Final = TenantId(UUID("00000000-0000-8000-8000-000000000000"))
