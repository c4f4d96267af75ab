"""Owns the sealing of copies of what is held on a person; it alone has the data keys for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mesh.errors import InternalError
from portal_svc.domain.sealing import seal, unseal

if TYPE_CHECKING:
    from mesh.kms import Kms
    from portal_svc.store.wishes import Export

PURPOSE: Final = "export"
_KIND: Final = "data export"


class ExportVault:
    """Each copy has a data key of its own, which is destroyed with it."""

    def __init__(self, kms: Kms) -> None:
        self._kms = kms

    async def seal(self, export: Export, copy: bytes) -> Export:
        """Return the export with its copy."""
        key = await self._kms.generate_data_key(_context(export))
        return replace(export, sealed=seal(key.plaintext, _KIND, export.export_id, copy), data_key=key.blob)

    async def open(self, export: Export) -> bytes:
        """Return the copy."""
        if export.sealed is None or export.data_key is None:
            raise InternalError("an export that is not ready holds nothing")
        key = await self._kms.unwrap(export.data_key, _context(export))
        return unseal(key, _KIND, export.export_id, export.sealed)

    async def destroy(self, export: Export) -> None:
        """Destroy the data key, if there is one."""
        if export.data_key is not None:
            await self._kms.destroy(export.data_key, _context(export))


def _context(export: Export) -> dict[str, str]:
    return {"purpose": PURPOSE, "tenant": str(export.tenant_id), "export": str(export.export_id)}
