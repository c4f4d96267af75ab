"""One sequence of bytes has one meaning."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.fleet.v1.hub_records_pb2 import ConsentStatement, OwnerKeyStatement, Peer, PeerListStatement

from fleet_svc.api.statements import StatementReader
from fleet_svc.domain.capability import Capability
from mesh.errors import InvalidArgumentError, PermissionDeniedError, UnimplementedError
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import Callable

HUB = HubId(UUID("0190a000-0000-7000-8000-000000000001"))
READER = StatementReader(hub_id=HUB, now=datetime(2026, 3, 1, tzinfo=UTC))
PEER = Peer(peer_id=bytes(16), subject_digest=bytes(32))


def record(statement: bytes) -> SignedRecord:
    return SignedRecord(statement=statement, signature=bytes(64), key_id=bytes(8))


def consent_bytes(*capabilities: int, hub_id: bytes = HUB.bytes, epoch: int = 1, sequence: int = 1) -> bytes:
    statement = ConsentStatement(hub_id=hub_id, owner_epoch=epoch, sequence=sequence)
    statement.capabilities.extend(capabilities)  # type: ignore[arg-type]
    return statement.SerializeToString()


def test_a_consent_is_read() -> None:
    consent = READER.consent(record(consent_bytes(1, 3, epoch=2, sequence=9)))
    assert (consent.owner_epoch, consent.sequence) == (2, 9)
    assert consent.signed == {Capability.RELAY, Capability.BACKUP}
    assert consent.evidence.statement == consent_bytes(1, 3, epoch=2, sequence=9)


def test_an_unknown_field_is_kept() -> None:
    statement = consent_bytes(1) + b"\xaa\x06\x03new"
    assert READER.consent(record(statement)).evidence.statement == statement


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(consent_bytes(1) + b"\x18\x02", id="sequence twice"),
        pytest.param(b"\x18\x01" + consent_bytes(1), id="sequence first and twice"),
        pytest.param(consent_bytes()[18:] + consent_bytes()[:18], id="out of order"),
        pytest.param(consent_bytes() + b"\x20\x01", id="capabilities not packed"),
        pytest.param(consent_bytes().replace(b"\x18\x01", b"\x18\x81\x00"), id="overlong number"),
        pytest.param(consent_bytes(1, 1), id="a capability twice"),
        pytest.param(consent_bytes(0), id="no capability"),
        pytest.param(consent_bytes(99), id="unknown capability"),
        pytest.param(consent_bytes(epoch=0), id="no epoch"),
        pytest.param(consent_bytes(sequence=0), id="no sequence"),
        pytest.param(consent_bytes(sequence=2**63), id="a sequence that could not rise"),
        pytest.param(consent_bytes(hub_id=HUB.bytes[:15]), id="short id"),
        pytest.param(consent_bytes()[:-1], id="cut short"),
        pytest.param(b"\x00", id="no message"),
    ],
)
def test_a_consent_that_could_be_read_in_two_ways_or_none_is_refused(statement: bytes) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        READER.consent(record(statement))
    assert refused.value.reason == "STATEMENT_INVALID"


def test_a_statement_about_another_hub_is_refused() -> None:
    with pytest.raises(PermissionDeniedError) as refused:
        READER.consent(record(consent_bytes(hub_id=UUID(int=HUB.int + 1).bytes)))
    assert refused.value.reason == "HUB_MISMATCH"


@pytest.mark.parametrize(("number", "gate"), [(5, "command"), (6, "stream"), (7, "shadow")])
def test_a_gated_capability_is_refused_until_its_gate_opens(number: int, gate: str) -> None:
    with pytest.raises(UnimplementedError) as refused:
        READER.consent(record(consent_bytes(number)))
    assert (refused.value.reason, refused.value.metadata) == ("GATE_SHUT", {"gate": gate})
    opened = StatementReader(hub_id=HUB, now=READER.now, open_gates=[gate])
    assert len(opened.consent(record(consent_bytes(number))).signed) == 1


def test_an_owner_key_is_read() -> None:
    statement = OwnerKeyStatement(hub_id=HUB.bytes, owner_epoch=4, owner_public_key=b"k" * 32).SerializeToString()
    key = READER.owner_key(record(statement))
    assert (key.owner_epoch, key.public_key) == (4, b"k" * 32)


def peer_list(*peers: Peer) -> bytes:
    statement = PeerListStatement(hub_id=HUB.bytes, owner_epoch=1, sequence=1, peers=peers)
    return statement.SerializeToString()


def test_a_peer_list_is_read() -> None:
    second = Peer(peer_id=b"p" * 16, subject_digest=b"s" * 32, not_after_seconds=5)
    read = READER.peer_list(record(peer_list(PEER, second)))
    assert [(each.peer_id, each.subject_digest, each.not_after_seconds) for each in read.peers] == [
        (bytes(16), bytes(32), 0),
        (b"p" * 16, b"s" * 32, 5),
    ]


@pytest.mark.parametrize(
    "peers",
    [
        pytest.param([PEER, PEER], id="a session twice"),
        pytest.param([Peer(peer_id=bytes(15), subject_digest=bytes(32))], id="short session"),
        pytest.param([Peer(peer_id=bytes(16), subject_digest=bytes(31))], id="short digest"),
        pytest.param([Peer(peer_id=bytes(16), subject_digest=bytes(32), not_after_seconds=10**12)], id="too far"),
        pytest.param([Peer(peer_id=bytes([n]) * 16, subject_digest=bytes(32)) for n in range(33)], id="too many"),
    ],
)
def test_a_peer_list_that_is_not_as_the_contract_says_is_refused(peers: list[Peer]) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        READER.peer_list(record(peer_list(*peers)))
    assert refused.value.reason == "STATEMENT_INVALID"


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_read_or_refused_by_name(statement: bytes) -> None:
    reads: list[Callable[[SignedRecord], object]] = [READER.owner_key, READER.consent, READER.peer_list]
    for read in reads:
        with contextlib.suppress(InvalidArgumentError, PermissionDeniedError, UnimplementedError):
            read(record(statement))
