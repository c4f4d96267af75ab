"""The document, fuzzed through the gateway against every method of the contract, with a token for each role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.gateway import fuzzing, matrix
from tests.integration.gateway.api import HUB

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 3600 if fuzzing.LONG else 120


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[matrix.World]:
    with matrix.world(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


# The handlers of this world answer with nothing in every field, so what they answer is not compared with its schema.
@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("role", matrix.ROLES)
def test_no_request_of_a_person_finds_a_fault(world: matrix.World, role: str) -> None:
    fuzzing.run(
        world.gateway.app,
        world.pki.folder / "edge-ca.pem",
        token=world.token(role, matrix.STEP_UP[0]),
        only=fuzzing.operations("app"),
        checks=fuzzing.CHECKS,
        examples=1,
    )


@pytest.mark.timeout(LIMIT)
def test_no_request_of_a_hub_finds_a_fault(world: matrix.World) -> None:
    fuzzing.run(
        world.gateway.hub,
        world.pki.folder / "edge-ca.pem",
        client=world.pki.hub(world.pki.folder / "fuzzing-hub", f"urn:uuid:{HUB}"),
        only=fuzzing.operations("hub"),
        checks=fuzzing.CHECKS,
        examples=5,
    )


@pytest.mark.timeout(LIMIT)
def test_no_request_of_anybody_finds_a_fault(world: matrix.World) -> None:
    fuzzing.run(
        world.gateway.backup,
        world.pki.folder / "edge-ca.pem",
        only=fuzzing.operations("backup"),
        checks=fuzzing.CHECKS,
        examples=5,
    )
