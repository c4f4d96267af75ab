"""Owns the question whether this is a development stack on this machine. Everything else in `ora dev` asks it first."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devstack import environment, home, state
from devstack.environment import NotForDevelopmentError
from devstack.identity.personas import PERSONAS
from devstack.identity.sign_in import sign_in
from mesh.certs import Certificates
from mesh.channel import Channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_OPERATOR: Final = "operator"


def local_stack() -> state.Running:
    """Return the stack of this machine, or refuse.

    Raises:
        NotForDevelopmentError: the environment speaks of another one.
        NoStackError: none runs.
    """
    wanted = environment.must_be_development()
    found = state.find(home.here())
    if found.data["environment"] != wanted:
        raise NotForDevelopmentError(f"NOT_FOR_DEVELOPMENT: the stack of {found.data['home']} is no development stack")
    return found


@asynccontextmanager
async def portal(stack: state.Running, persona: str = "helper") -> AsyncIterator[tuple[Channel, list[tuple[str, str]]]]:
    """Call the portal as one of Ora's support, at the operator's command line; give channel and metadata."""
    who = PERSONAS[persona]
    signed_in = await asyncio.to_thread(sign_in, stack.issuer(who.provider), who)
    certificates = Certificates(Path(stack.file("certificates")), _OPERATOR)
    async with Channel("portal", [stack.address("portal", "grpc")], certificates) as channel:
        yield channel, [("authorization", f"Bearer {signed_in.access_token}")]


@asynccontextmanager
async def fleet(stack: state.Running) -> AsyncIterator[Channel]:
    """Call the registry as the operator workload."""
    certificates = Certificates(Path(stack.file("certificates")), _OPERATOR)
    async with Channel("fleet", [stack.address("fleet", "grpc")], certificates) as channel:
        yield channel
