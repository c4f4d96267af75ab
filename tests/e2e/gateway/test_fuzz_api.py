"""The document, fuzzed against the running stack: what services answer is as it says, for a person of each role."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from devstack.identity.personas import PERSONAS
from tests.integration.gateway import everything, fuzzing

if TYPE_CHECKING:
    from tests.e2e.home import Home
    from tests.stack import Stack

LIMIT = 3600 if fuzzing.LONG else 120
# One person for each role.
PEOPLE = {role: name for name, each in reversed(PERSONAS.items()) for role in each.roles}


def served(stack: Stack) -> set[str]:
    """Return the names of the services that run, as operations are tagged."""
    found: set[str] = set()
    for component, workload in (("fleet", "fleet"), ("relay-1", "relay")):
        port = int(stack.address(component, "grpc").rpartition(":")[2])
        with everything.channel(stack.home.certificates, workload, port, caller="operator") as channel:
            ask = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
            (answer,) = ask(  # type: ignore[operator] # its stub knows no call
                iter([reflection_pb2.ServerReflectionRequest(list_services="*")]), timeout=10
            )
        found |= {
            each.name.rpartition(".")[2].removesuffix("Service") for each in answer.list_services_response.service
        }
    return found


def operations(stack: Stack, door: str) -> list[str]:
    running = served(stack)
    only = [name for name, service in fuzzing.operations(door).items() if service in running]
    assert only
    return only


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("role", PEOPLE)
def test_no_answer_to_a_person_is_other_than_the_document_says(stack: Stack, role: str) -> None:
    fuzzing.run(
        stack.address("gateway", "app"),
        Path(stack.file("edge_ca")),
        token=stack.tokens(PEOPLE[role], step_up=True).access_token,
        only=operations(stack, "app"),
        checks=(*fuzzing.CHECKS, fuzzing.SCHEMA),
        examples=20,
    )


@pytest.mark.timeout(LIMIT)
async def test_no_answer_to_a_hub_is_other_than_the_document_says(stack: Stack, fresh: Home) -> None:
    await asyncio.to_thread(
        lambda: fuzzing.run(
            stack.address("gateway", "hub"),
            Path(stack.file("edge_ca")),
            client=fresh.folder,
            only=operations(stack, "hub"),
            checks=(*fuzzing.CHECKS, fuzzing.SCHEMA),
            examples=20,
        )
    )
