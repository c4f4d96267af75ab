"""Owns claims: how long good ones take, and whether refused ones can be told apart by their time."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final
from uuid import UUID

import grpc
from ora.portal.v1.access_key_service_pb2 import ChallengeAccessKeyRequest

from bench.portal.filling import locator_of_nobody
from tests.integration.portal_svc.actors import AccessKeyActor

if TYPE_CHECKING:
    from tests.integration.portal_svc.actors import Person
    from tests.integration.portal_svc.world import World

KINDS: Final = ("unknown", "wrong", "expired", "claimed")
_CLAIMANTS: Final = 20


class Scene:
    """One key of each kind, and people who try."""

    def __init__(self, portal: World, keys: dict[str, AccessKeyActor]) -> None:
        self._portal, self._keys = portal, keys
        self._people = [portal.homeowner(f"claimant {portal.org} {number}") for number in range(_CLAIMANTS)]

    @classmethod
    async def make(cls, portal: World) -> Scene:
        """Bring three projects to where their claims are refused."""
        keys = {"unknown": AccessKeyActor(locator_of_nobody())}
        for kind in KINDS[1:]:
            project, _ = await portal.ready()
            _, keys[kind] = await portal.initiate(project)
            if kind == "claimed":
                await portal.claim(keys[kind], portal.homeowner(f"owner {portal.org}"))
            if kind == "expired":
                connection = await portal.database.connect("postgres")
                await connection.execute(
                    "UPDATE portal.access_key SET expire_time = now() - interval '1 hour' WHERE project_id = $1",
                    UUID(project.split("/")[1]),
                )
                await connection.close()
        keys["wrong"] = AccessKeyActor(keys["wrong"].locator)
        return cls(portal, keys)

    async def refusals(self, each: int, *, at_once: int) -> dict[str, list[float]]:
        """Return the seconds of refused claims of each kind, asked in a random order."""
        order = [kind for kind in KINDS for _ in range(each)]
        random.Random(1).shuffle(order)  # noqa: S311 - the same order each time
        found: dict[str, list[float]] = {kind: [] for kind in KINDS}
        waiting = iter(list(enumerate(order)))

        async def work() -> None:
            for number, kind in waiting:
                found[kind].append(await self._refused(kind, self._people[number % _CLAIMANTS]))

        await asyncio.gather(*(work() for _ in range(at_once)))
        return found

    async def _refused(self, kind: str, who: Person) -> float:
        key = self._keys[kind]
        given = await self._portal.keys.ChallengeAccessKey(
            ChallengeAccessKeyRequest(locator=key.locator), metadata=who.bearer()
        )
        request = who.claim(key, given.nonce, given.generation)
        metadata = who.bearer()
        began = time.perf_counter()
        try:
            await self._portal.keys.ClaimAccessKey(request, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
                raise
            return time.perf_counter() - began
        raise AssertionError(f"a claim that is {kind} was taken")

    async def good(self, count: int) -> list[float]:
        """Return the seconds of claims that are taken."""
        found = []
        for number in range(count):
            project, _ = await self._portal.ready()
            _, key = await self._portal.initiate(project)
            who = self._people[number % _CLAIMANTS]
            given = await self._portal.challenge(key, who)
            request, metadata = who.claim(key, given.nonce, given.generation), who.bearer()
            began = time.perf_counter()
            await self._portal.keys.ClaimAccessKey(request, metadata=metadata)
            found.append(time.perf_counter() - began)
        return found
