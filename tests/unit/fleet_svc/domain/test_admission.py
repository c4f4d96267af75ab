"""What other services learn of a Hub."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from fleet_svc.domain.admission import Facts, decide
from fleet_svc.domain.capability import Capability
from fleet_svc.domain.hub import State
from fleet_svc.domain.peer_list import Peer
from mesh.ids import HubId

PEER = Peer(peer_id=bytes(16), subject_digest=bytes(32), not_after_seconds=0)
WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def facts(state: State) -> Facts:
    return Facts(
        hub_id=HubId(UUID("0190a000-0000-7000-8000-000000000001")),
        version=4,
        state=state,
        capabilities=frozenset({Capability.RELAY}),
        peers=(PEER,),
        certificates_not_before=WHEN,
        revoked_serials=(b"\x01",),
    )


def test_an_active_hub_has_what_its_records_say() -> None:
    admission = decide(facts(State.ACTIVE))
    assert admission.active
    assert admission.capabilities == {Capability.RELAY}
    assert admission.peers == (PEER,)


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACTIVE])
def test_any_other_hub_has_nothing_whatever_its_records_say(state: State) -> None:
    admission = decide(facts(state))
    assert not admission.active
    assert admission.capabilities == frozenset()
    assert admission.peers == ()


@pytest.mark.parametrize("state", State)
def test_revocation_and_version_are_told_in_every_state(state: State) -> None:
    admission = decide(facts(state))
    assert (admission.version, admission.certificates_not_before, admission.revoked_serials) == (4, WHEN, (b"\x01",))
