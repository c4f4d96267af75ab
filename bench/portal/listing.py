"""Owns lists and searches: through the whole portal for an organisation that opens, and the bare statements for all."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1 import project_service_pb2 as pb

from portal_svc.domain.handover import LIVE
from portal_svc.store import projects

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.integration.portal_svc.world import World

SEARCHED: Final = "bamino"


async def calls(portal: World, count: int) -> dict[str, list[float]]:
    """Return the seconds of calls of an administrator, by what they ask."""
    first = await portal.projects.ListProjects(pb.ListProjectsRequest(), metadata=portal.boss.bearer())
    asked: dict[str, Callable[[], Any]] = {
        "GetProject": lambda: portal.get(random.choice(first.projects).name),  # noqa: S311 - a choice of a measurement
        "ListProjects, first page of 50": lambda: _listed(portal, pb.ListProjectsRequest()),
        "ListProjects, page of 10": lambda: _listed(portal, pb.ListProjectsRequest(page_size=10)),
        "ListProjects, second page of 50": lambda: _listed(
            portal, pb.ListProjectsRequest(page_token=first.next_page_token)
        ),
        "SearchProjects, one word": lambda: portal.projects.SearchProjects(
            pb.SearchProjectsRequest(query=SEARCHED), metadata=portal.boss.bearer()
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(count):
        for name, ask in asked.items():
            began = time.perf_counter()
            await ask()
            found[name].append(time.perf_counter() - began)
    return found


async def _listed(portal: World, request: pb.ListProjectsRequest) -> Any:
    return await portal.projects.ListProjects(request, metadata=portal.boss.bearer())


async def statements(portal: World, tenants: int, count: int) -> dict[str, list[float]]:
    """Return the seconds of the bare statements, each time for another organisation, as the service's role."""
    connection = await portal.database.connect()
    numbers = random.Random(2)  # noqa: S311 - the same organisations each time
    found: dict[str, list[float]] = {"administrator's first page": [], "electrician's first page": [], "word": []}
    word = [[], [bytes(8)]]
    try:
        for _ in range(count):
            number = numbers.randint(1, tenants)
            tenant, member = await connection.fetchrow(
                "SELECT md5('tenant ' || $1)::uuid, md5('member ' || $1)::uuid", str(number)
            )
            async with connection.transaction(readonly=True):
                await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant))
                for name, who, words in (
                    ("administrator's first page", None, word[0]),
                    ("electrician's first page", member, word[0]),
                    ("word", None, word[1]),
                ):
                    began = time.perf_counter()
                    await connection.fetch(projects.PAGE_BY_UPDATE, *_question(who, words))
                    found[name].append(time.perf_counter() - began)
    finally:
        await connection.close()
    return found


def _question(who: UUID | None, words: list[bytes]) -> list[Any]:
    nothing: list[Any] = [None] * 2
    return [who, sorted(LIVE), *nothing, "", None, None, None, *nothing, words, *nothing, 51]
