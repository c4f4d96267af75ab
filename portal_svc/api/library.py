"""Owns what a new project copies from its template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ora.portal.v1 import project_template_pb2
from ora.portal.v1.plan_pb2 import Plan as PlanMessage

from portal_svc.api.templates import archived, known, version_of
from portal_svc.ports import Copied, TemplateItem, WantedPlan
from portal_svc.store import templates

if TYPE_CHECKING:
    from mesh.db import Tx


class Library:
    """Templates, to be copied."""

    async def copy(self, tx: Tx, template_version: str) -> Copied:
        """Return what a version asks for, or refuse; nothing without a version."""
        if not template_version:
            return Copied()
        found = await version_of(tx, template_version, field="project.template_version")
        if known(await templates.get(tx, found.template_id)).state != "ACTIVE":
            raise archived()
        said = project_template_pb2.ProjectTemplateVersion.FromString(found.content)
        return Copied(
            items=tuple(
                TemplateItem(title=each.title, description=each.description, required=each.required)
                for each in said.checklist_items
            ),
            plans=tuple(
                WantedPlan(kind=PlanMessage.Kind.Name(each.kind).removeprefix("KIND_"), required=each.required)
                for each in said.plans
            ),
        )
