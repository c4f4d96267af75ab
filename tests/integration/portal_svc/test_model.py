"""Random commands of several actors at once, on a real database: whatever happens, the invariants of design §5 hold."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar

import grpc
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from ora.portal.v1 import handover_service_pb2, hub_binding_service_pb2, project_service_pb2
from ora.portal.v1.audit_entry_pb2 import AuditRecord
from ora.portal.v1.handover_records_pb2 import HANDOVER_MODE_REMOTE

from mesh.channel import reason_of
from portal_svc.domain.custody import RETRY_PERIOD
from portal_svc.domain.handover import State
from portal_svc.store.erasure import STORES
from tests.integration.portal_svc import world
from tests.integration.portal_svc.postgres import Database
from tests.integration.portal_svc.remote import Remote
from tests.integration.portal_svc.world import World, request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from ora.portal.v1.handover_pb2 import Handover

    from tests.integration.fleet_svc.postgres import Cluster
    from tests.integration.portal_svc.actors import AccessKeyActor, Hub

COMMANDS = (
    "bind",
    "unbind",
    "mark_ready",
    "reopen",
    "initiate",
    "regenerate",
    "claim",
    "decline",
    "cancel",
    "receipt",
    "give_up",
    "suspend",
    "resume",
    "seal",
    "initiate_remote",
    "ask",
    "approve",
    "withdraw",
    "release",
    "destroy",
)
LOCAL = ("bind", "mark_ready", "initiate", "claim", "receipt")
REMOTE = ("bind", "mark_ready", "seal", "initiate_remote", "claim", "approve", "release", "receipt")
CUSTODY = """
SELECT c.*, p.state AS project_state, p.lock_epoch AS lock
  FROM portal.custody c
  JOIN portal.project p USING (project_id)
"""
HOURS = (1, 25, 73, 24 * 8, 24 * 31)
# What a bug would be answered with.
NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}


class Project:
    """One project, as the actors remember it."""

    def __init__(self, name: str, hub: Hub) -> None:
        self.name, self.hub = name, hub
        self.keys: list[AccessKeyActor] = []
        self.handovers: list[Handover] = []
        self.claimed: list[Handover] = []
        self.epoch = 0
        # The Project Key as it was last sealed, and the lock epochs that it was released in.
        self.sealed: Remote | None = None
        self.released: list[int] = []


class Actors:
    """Each command tries what its actor could try now, right or wrong, and keeps what it learns."""

    def __init__(self, portal: World, projects: list[Project]) -> None:
        self.portal, self.projects = portal, projects

    async def act(self, command: str, number: int) -> str:
        """Run one command; return the reason of its refusal, or nothing."""
        try:
            await getattr(self, command)(self.projects[number % len(self.projects)])
        except grpc.aio.AioRpcError as error:
            if error.code() in NEVER:
                raise
            return reason_of(error)
        return ""

    async def bind(self, each: Project) -> None:
        await self.portal.bind(each.name, each.hub)

    async def unbind(self, each: Project) -> None:
        request = hub_binding_service_pb2.UnbindHubRequest(
            project=each.name, reason=hub_binding_service_pb2.UnbindHubRequest.REASON_DEFECTIVE, request_id=request_id()
        )
        await self.portal.bindings.UnbindHub(request, metadata=self.portal.boss.bearer())

    async def mark_ready(self, each: Project) -> None:
        await self.portal.mark_ready(each.name)

    async def reopen(self, each: Project) -> None:
        request = handover_service_pb2.ReopenRequest(project=each.name, request_id=request_id())
        await self.portal.handovers.Reopen(request, metadata=self.portal.boss.bearer())

    async def initiate(self, each: Project) -> None:
        handover, key = await self.portal.initiate(each.name)
        each.handovers.append(handover)
        each.keys.append(key)

    async def regenerate(self, each: Project) -> None:
        if each.handovers:
            last = each.handovers[-1]
            if last.mode == HANDOVER_MODE_REMOTE and each.sealed is not None:
                each.keys.append(await each.sealed.regenerate())
                last.generation += 1
                return
            key = await self.portal.regenerate(each.name, last.lock_epoch, last.generation + 1)
            last.generation += 1
            each.keys.append(key)

    async def claim(self, each: Project) -> None:
        if each.keys:
            each.claimed.append(await self.portal.claim(each.keys[-1]))

    async def decline(self, each: Project) -> None:
        if each.claimed:
            await self.portal.decline(each.claimed[-1])

    async def cancel(self, each: Project) -> None:
        if each.handovers:
            await self.portal.cancel(each.handovers[-1])

    async def receipt(self, each: Project) -> None:
        if each.claimed:
            await self.portal.receipt(each.hub, each.claimed[-1])

    async def give_up(self, each: Project) -> None:
        request = project_service_pb2.CancelProjectRequest(
            name=each.name, reason=project_service_pb2.CancelProjectRequest.REASON_MISTAKE, request_id=request_id()
        )
        await self.portal.projects.CancelProject(request, metadata=self.portal.boss.bearer())

    async def suspend(self, each: Project) -> None:
        request = project_service_pb2.SuspendProjectRequest(name=each.name, request_id=request_id())
        await self.portal.projects.SuspendProject(request, metadata=self.portal.boss.bearer())

    async def resume(self, each: Project) -> None:
        request = project_service_pb2.ResumeProjectRequest(name=each.name, request_id=request_id())
        await self.portal.projects.ResumeProject(request, metadata=self.portal.boss.bearer())

    async def seal(self, each: Project) -> None:
        remote = Remote(self.portal, each.name, lock_epoch=each.epoch + 1)
        await remote.seal()
        each.sealed = remote

    async def initiate_remote(self, each: Project) -> None:
        if each.sealed is not None:
            each.handovers.append(await each.sealed.initiate())
            each.keys.append(each.sealed.key)

    async def ask(self, each: Project) -> None:
        if each.sealed is not None:
            await each.sealed.ask()

    async def approve(self, each: Project) -> None:
        if each.sealed is not None:
            await each.sealed.approve()

    async def withdraw(self, each: Project) -> None:
        if each.sealed is not None:
            await each.sealed.withdraw()

    async def release(self, each: Project) -> None:
        """Each demand is a new one: a second that is served would be a second release."""
        if each.sealed is not None:
            remote = each.sealed
            given = await remote.release()
            assert remote.opened(given) == remote.project_key
            each.released.append(given.sealed_project_key.lock_epoch)

    async def destroy(self, each: Project) -> None:
        if each.sealed is not None:
            await each.sealed.destroy()


async def check_custody(portal: World, projects: list[Project]) -> None:
    """Hold what custody promises: one release a lock, by two logins; what is over is destroyed in ten minutes."""
    for each in projects:
        assert len(each.released) == len(set(each.released))
    rows = await portal.database.rows("SELECT record FROM portal.audit_entry")
    entries = [AuditRecord.FromString(row["record"]) for row in rows]
    releases = [each for each in entries if each.action.endswith("/ReleaseCustody")]
    assert len({(each.resource, each.lock_epoch) for each in releases}) == len(releases)
    assert len(releases) == sum(len(each.released) for each in projects)
    for release in releases:
        assert [each.intent for each in release.step_ups] == ["ora_custody_approve", "ora_custody_release"]
    assert await portal.database.value("SELECT count(*) FROM portal.dead_data_key") == 0
    for row in await portal.database.rows(CUSTODY):
        if row["state"] == "RELEASED":
            assert portal.now() < row["release_time"] + RETRY_PERIOD
            assert row["project_state"] in {"PENDING_HANDOVER", "HANDED_OVER"}
        if row["state"] == "SEALED" and row["project_state"] == "READY":
            assert row["lock_epoch"] == row["lock"] + 1


async def check(portal: World, projects: list[Project]) -> set[str]:
    """Hold every invariant; return the states that projects are in."""
    database = portal.database
    rows = await database.rows("SELECT * FROM portal.project")
    one_key = "SELECT count(*) FROM portal.access_key WHERE state IN ('ISSUED', 'CLAIMED') GROUP BY project_id"
    assert all(row[0] <= 1 for row in await database.rows(one_key))
    claims = "SELECT count(*) FROM portal.access_key WHERE claim_time IS NOT NULL GROUP BY project_id, lock_epoch"
    assert all(row[0] <= 1 for row in await database.rows(claims))
    pending = {row["hub_id"]: row["lock_epoch"] for row in rows if row["state"] == "PENDING_HANDOVER"}
    assert portal.registry.holds == pending
    for row in rows:
        if row["state"] in {"STRIPPED", "CANCELLED"}:
            gone = (row["sealed"], row["data_key"], row["hub_id"], row["owner_member_id"])
            assert gone == (None, None, None, None)
            assert row["erasure_receipt_id"] is not None
    live = {row["project_id"]: row for row in rows}
    for each in projects:
        row = live.get(world.id_of(each.name))
        if row is None:
            for store in (*(name for name, _ in STORES), "portal.custody", "portal.dead_data_key"):
                if store != "portal.access_key_attempt":
                    left = f"SELECT count(*) FROM {store} WHERE project_id = $1"  # noqa: S608 - our own names
                    assert await database.value(left, world.id_of(each.name)) == 0, store
        else:
            assert row["lock_epoch"] >= each.epoch
            each.epoch = row["lock_epoch"]
        if row is None or row["state"] == "HANDED_OVER":
            await _unreadable(portal, each.name)
    await check_custody(portal, projects)
    await _chain(database)
    return {row["state"] for row in rows}


async def _unreadable(portal: World, name: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await portal.get(name)
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND


async def _chain(database: Database) -> None:
    previous = bytes(32)
    rows = await database.rows("SELECT * FROM portal.audit_entry ORDER BY tenant_id, sequence")
    for place, row in enumerate(rows, start=1):
        said = hashlib.sha256(row["record"]).digest()
        assert row["sequence"] == place
        assert row["previous_digest"] == previous
        previous = hashlib.sha256(b"ora audit v1\x00" + previous + said).digest()
        assert row["digest"] == previous


class Handovers(RuleBasedStateMachine):
    """Draws commands."""

    cluster: ClassVar[Cluster]
    certificates: ClassVar[Path]
    folder: ClassVar[Path]
    # Every state that any run has come to.
    reached: ClassVar[set[str]] = set()
    releases: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.runner.run(self.begin())

    async def begin(self) -> None:
        database = await Database.fresh(self.cluster)
        self.stack.push_async_callback(database.drop)
        self.portal = await self.stack.enter_async_context(world.running(database, self.certificates, self.folder))
        await self.portal.found(licensed=False)
        await self.portal.license(self.portal.boss, days=4000)
        made = [await self.portal.project() for _ in range(2)]
        self.projects = [Project(each.name, self.portal.hub()) for each in made]
        self.actors = Actors(self.portal, self.projects)

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.runner.run(awaited())

    @rule(command=st.sampled_from(COMMANDS), number=st.integers(0, 1))
    def one(self, command: str, number: int) -> None:
        self.run(self.actors.act(command, number))

    @rule(commands=st.lists(st.sampled_from(COMMANDS), min_size=2, max_size=4), number=st.integers(0, 1))
    def together(self, commands: list[str], number: int) -> None:
        async def all_at_once() -> None:
            await asyncio.gather(*(self.actors.act(each, number) for each in commands))

        self.run(all_at_once())

    @rule(number=st.integers(0, 1), length=st.integers(2, 8), way=st.sampled_from([LOCAL, REMOTE]))
    def forward(self, number: int, length: int, way: tuple[str, ...]) -> None:
        """Go the usual way for a while, so that the far states are reached too."""
        for command in way[:length]:
            self.run(self.actors.act(command, number))

    @rule(hours=st.sampled_from(HOURS))
    def later(self, hours: int) -> None:
        self.run(self.portal.settle(hours=hours))

    @invariant()
    def holds(self) -> None:
        self.run(self.portal.settle())
        self.reached.update(self.run(check(self.portal, self.projects)))

    def teardown(self) -> None:
        type(self).releases += sum(len(each.released) for each in self.projects)
        self.run(self.stack.aclose())
        self.runner.close()


def walk(machine: Handovers) -> None:
    """Come through every state once, so that what is drawn need not."""
    machine.holds()
    for length in range(1, len(REMOTE) + 1):
        machine.forward(0, length, REMOTE)
        machine.holds()
    machine.one("give_up", 1)
    machine.holds()
    machine.later(25)
    machine.holds()
    machine.teardown()


@pytest.mark.timeout(600)
def test_the_invariants_hold_whatever_happens(cluster: Cluster, certificates: Path, tmp_path: Path) -> None:
    Handovers.cluster, Handovers.certificates, Handovers.folder = cluster, certificates, tmp_path
    walk(Handovers())
    run_state_machine_as_test(
        Handovers,
        settings=settings(
            max_examples=7,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Handovers.reached == set(State)
    assert Handovers.releases > 0
