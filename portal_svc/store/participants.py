"""Owns the SQL of participants; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mesh.db import Tx
    from portal_svc.domain.ids import MemberId, ProjectId

REMOVE: Final = """
DELETE FROM portal.participant
 WHERE project_id = $1 AND member_id = $2
"""


async def remove(tx: Tx, project_id: ProjectId, member_id: MemberId) -> None:
    """End a member's part in a project, if they have one."""
    await tx.execute(REMOVE, project_id, member_id)
