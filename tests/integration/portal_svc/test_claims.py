"""One claim wins, and every other answer is the same."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.portal.v1 import access_key_pb2, access_key_service_pb2, handover_pb2

from mesh.channel import reason_of
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.actors import AccessKeyActor
from tests.integration.portal_svc.world import request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.integration.portal_svc.world import World

REFUSED = ("PERMISSION_DENIED", "CLAIM_REFUSED")
Reason = access_key_pb2.AccessKeyAttempt.Reason


async def bytes_of(call: Awaitable[Any]) -> tuple[Any, ...]:
    """Return everything that tells a refusal from another."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        # The trace id alone is each call's own.
        trailers = re.sub(rb"[0-9a-f]{32}", b"", repr(list(error.trailing_metadata() or ())).encode())
        return error.code(), error.details(), trailers
    raise AssertionError("the claim was not refused")


async def reasons(portal: World, name: str) -> list[str]:
    request = access_key_service_pb2.ListAccessKeyAttemptsRequest(parent=name)
    found = await portal.keys.ListAccessKeyAttempts(request, metadata=portal.boss.bearer())
    return [Reason.Name(each.reason).removeprefix("REASON_") for each in found.attempts]


async def pending(portal: World) -> tuple[str, handover_pb2.Handover, AccessKeyActor]:
    await portal.found()
    project, _ = await portal.ready()
    handover, key = await portal.initiate(project)
    return project, handover, key


async def test_200_claims_at_once_have_one_winner(portal: World) -> None:
    _, handover, key = await pending(portal)
    people = [portal.homeowner(f"h{number}") for number in range(200)]
    given = await asyncio.gather(*(portal.challenge(key, person) for person in people))
    calls = [
        portal.keys.ClaimAccessKey(person.claim(key, one.nonce, one.generation), metadata=person.bearer())
        for person, one in zip(people, given, strict=True)
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    won = [each for each in answers if isinstance(each, handover_pb2.Handover)]
    assert len(won) == 1
    assert {reason_of(each) for each in answers if isinstance(each, grpc.aio.AioRpcError)} == {"CLAIM_REFUSED"}
    assert await portal.database.value("SELECT count(*) FROM portal.access_key WHERE claim_time IS NOT NULL") == 1
    assert await portal.database.value("SELECT count(*) FROM portal.claimed_handover") == 1
    assert await portal.database.value("SELECT refused_claim_count FROM portal.access_key") == 199
    assert len(await reasons(portal, handover.access_key)) == 50


async def test_every_refusal_has_equal_bytes(portal: World) -> None:
    project, handover, key = await pending(portal)
    nowhere = AccessKeyActor(secrets.randbelow(2**30))
    wrong = AccessKeyActor(key.locator)
    seen = [
        await bytes_of(portal.claim(nowhere)),
        await bytes_of(portal.claim(wrong)),
        await bytes_of(portal.claim(key, nonce=secrets.token_bytes(32))),
        await bytes_of(portal.claim(key, subject_digest=bytes(32))),
        await bytes_of(portal.claim(key, generation=2)),
    ]
    newer = await portal.regenerate(project, 1, 2)
    seen.append(await bytes_of(portal.claim(key, generation=3)))
    await portal.claim(newer)
    seen.append(await bytes_of(portal.claim(newer, portal.homeowner("late"))))
    assert len({repr(each) for each in seen}) == 1
    assert seen[0][0] is grpc.StatusCode.PERMISSION_DENIED
    assert await reasons(portal, handover.access_key) == ["REVOKED", "MISMATCH", "MISMATCH", "NONCE", "WRONG_SIGNATURE"]


async def test_an_expired_key_is_refused_alike(portal: World) -> None:
    _, handover, key = await pending(portal)
    given = await portal.challenge(key)
    portal.clock.offset += timedelta(days=8)
    request = portal.homer.claim(key, given.nonce, given.generation)
    assert await refused(portal.keys.ClaimAccessKey(request, metadata=portal.homer.bearer())) == REFUSED
    assert await refused(portal.claim(key)) == REFUSED
    assert await reasons(portal, handover.access_key) == ["EXPIRED", "NONCE"]


async def test_a_nonce_is_good_once(portal: World) -> None:
    _, handover, key = await pending(portal)
    given = await portal.challenge(key)
    bad = portal.homer.claim(AccessKeyActor(key.locator), given.nonce, given.generation)
    good = portal.homer.claim(key, given.nonce, given.generation)
    for request in (bad, good):
        assert await refused(portal.keys.ClaimAccessKey(request, metadata=portal.homer.bearer())) == REFUSED
    assert await reasons(portal, handover.access_key) == ["NONCE", "WRONG_SIGNATURE"]


async def test_a_nonce_is_good_for_who_asked(portal: World) -> None:
    _, _, key = await pending(portal)
    given = await portal.challenge(key, portal.homeowner("other"))
    request = portal.homer.claim(key, given.nonce, given.generation)
    assert await refused(portal.keys.ClaimAccessKey(request, metadata=portal.homer.bearer())) == REFUSED


async def test_a_challenge_looks_the_same_for_no_key(portal: World) -> None:
    _, _, key = await pending(portal)
    nowhere = AccessKeyActor(secrets.randbelow(2**30))
    known, unknown = await portal.challenge(key), await portal.challenge(nowhere)
    assert len(known.nonce) == len(unknown.nonce) == 32
    assert unknown.generation in {1, 2, 3}
    assert (await portal.challenge(nowhere)).generation == unknown.generation


async def test_the_claimant_signs_with_the_key_of_the_account(portal: World) -> None:
    _, _, key = await pending(portal)
    first = await portal.claim(key)
    assert first.claimant_public_key == portal.homer.key.public_key().public_bytes_raw()
    project, _ = await portal.ready()
    _, other = await portal.initiate(project)
    portal.homer.key = Ed25519PrivateKey.generate()
    assert await refused(portal.claim(other)) == REFUSED


async def test_the_same_claim_again_has_the_same_answer(portal: World) -> None:
    _, _, key = await pending(portal)
    given = await portal.challenge(key)
    request = portal.homer.claim(key, given.nonce, given.generation)
    first = await portal.keys.ClaimAccessKey(request, metadata=portal.homer.bearer())
    assert await portal.keys.ClaimAccessKey(request, metadata=portal.homer.bearer()) == first


async def test_only_the_claimant_learns_who_claimed(portal: World) -> None:
    project, handover, key = await pending(portal)
    claimed = await portal.claim(key)
    from ora.portal.v1.handover_service_pb2 import GetHandoverRequest, ListHandoversRequest  # noqa: PLC0415

    request = GetHandoverRequest(name=handover.name)
    seen = await portal.handovers.GetHandover(request, metadata=portal.boss.bearer())
    assert (seen.claimant, claimed.claimant != "") == ("", True)
    own = await portal.handovers.GetHandover(request, metadata=portal.homer.bearer())
    assert own.claimant == claimed.claimant
    mine = await portal.handovers.ListHandovers(
        ListHandoversRequest(parent="accounts/me"), metadata=portal.homer.bearer()
    )
    assert [each.name for each in mine.handovers] == [handover.name]
    other = portal.homeowner("other")
    assert (await refused(portal.handovers.GetHandover(request, metadata=other.bearer())))[0] == "NOT_FOUND"
    listed = ListHandoversRequest(parent=project)
    assert (await refused(portal.handovers.ListHandovers(listed, metadata=other.bearer())))[0] == "NOT_FOUND"


async def test_a_revoked_key_is_dead_and_the_project_stays_locked(portal: World) -> None:
    project, handover, key = await pending(portal)
    request = access_key_service_pb2.RevokeAccessKeyRequest(name=handover.access_key, request_id=request_id())
    revoked = await portal.keys.RevokeAccessKey(request, metadata=portal.boss.bearer())
    assert revoked.state == access_key_pb2.AccessKey.STATE_REVOKED
    assert await refused(portal.claim(key)) == REFUSED
    newer = await portal.regenerate(project, 1, 2)
    assert (await portal.claim(newer)).generation == 2


async def test_five_keys_a_day(portal: World) -> None:
    project, _, _ = await pending(portal)
    for generation in (2, 3, 4, 5):
        await portal.regenerate(project, 1, generation)
    assert await refused(portal.regenerate(project, 1, 6)) == ("RESOURCE_EXHAUSTED", "REGENERATE_LIMIT")
    portal.clock.offset += timedelta(days=1, seconds=5)
    await portal.regenerate(project, 1, 6)


@pytest.mark.parametrize(
    ("epoch", "generation", "reason"), [(2, 2, "LOCK_EPOCH_MISMATCH"), (1, 3, "GENERATION_MISMATCH")]
)
async def test_a_regeneration_names_what_it_replaces(portal: World, epoch: int, generation: int, reason: str) -> None:
    project, _, _ = await pending(portal)
    assert (await refused(portal.regenerate(project, epoch, generation)))[1] == reason


async def test_a_claimed_key_is_not_replaced(portal: World) -> None:
    project, handover, key = await pending(portal)
    await portal.claim(key)
    assert (await refused(portal.regenerate(project, 1, 2)))[1] == "ALREADY_CLAIMED"
    request = access_key_service_pb2.RevokeAccessKeyRequest(name=handover.access_key, request_id=request_id())
    assert (await refused(portal.keys.RevokeAccessKey(request, metadata=portal.boss.bearer())))[1] == "ALREADY_CLAIMED"


async def test_a_live_locator_is_given_out_once(portal: World) -> None:
    _, _, key = await pending(portal)
    project, _ = await portal.ready()
    assert await refused(portal.initiate(project, AccessKeyActor(key.locator))) == ("ALREADY_EXISTS", "LOCATOR_TAKEN")
    assert len(portal.registry.holds) == 1
