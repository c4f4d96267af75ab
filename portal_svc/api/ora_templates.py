"""Owns templates of Ora's own: published by support, used by every organisation."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ora.portal.v1 import project_template_pb2

from portal_svc.api import audit
from portal_svc.api.names import TEMPLATE
from portal_svc.api.repeat import repeatable
from portal_svc.api.templates import known, version_name, version_to_proto
from portal_svc.domain.ids import PLATFORM
from portal_svc.store import templates

if TYPE_CHECKING:
    from datetime import datetime

    from ora.portal.v1 import operator_service_pb2 as pb

    from mesh.db import Tx
    from portal_svc.api.desk import Desk

_KIND = project_template_pb2.ProjectTemplateVersion


class OraTemplates:
    """Publishes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def publish(self, request: pb.PublishOraTemplateRequest) -> project_template_pb2.ProjectTemplateVersion:
        """Make a template, or the next version of one; its title and description are those that were given last."""

        async def effect(tx: Tx) -> project_template_pb2.ProjectTemplateVersion:
            now, given = self._desk.now(), request.version
            held = await self._template(tx, request.template, now)
            said = _KIND(checklist_items=given.checklist_items, plans=given.plans, change_note=given.change_note)
            made = templates.Version(
                template_id=held.template_id,
                number=held.latest_version + 1,
                content=said.SerializeToString(deterministic=True),
                create_time=now,
            )
            await templates.add_version(tx, PLATFORM, made)
            after = replace(
                held,
                display_name=request.template.display_name,
                description=request.template.description,
                latest_version=made.number,
                revision=held.revision + 1,
                update_time=now,
            )
            await templates.save(tx, after)
            await audit.write(tx, PLATFORM, version_name(made), now=now, ticket=request.ticket)
            return version_to_proto(made)

        async def again(kept: project_template_pb2.ProjectTemplateVersion) -> Any:
            return kept

        async with self._desk.database.tenant(PLATFORM) as tx:
            return await repeatable(tx, _KIND, partial(effect, tx), again)

    async def _template(self, tx: Tx, given: project_template_pb2.ProjectTemplate, now: datetime) -> templates.Template:
        if given.name:
            return known(await templates.lock(tx, TEMPLATE.parse_one(given.name, field="template.name")))
        made = templates.Template(
            template_id=self._desk.new_id(),
            tenant_id=PLATFORM,
            display_name=given.display_name,
            description=given.description,
            shared=True,
            state="ACTIVE",
            latest_version=0,
            revision=1,
            create_time=now,
            update_time=now,
        )
        await templates.insert(tx, made)
        return made
