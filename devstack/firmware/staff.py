"""Owns who of Ora's staff does what an operator's command asks for, and their fresh login for just that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devstack.identity.personas import PERSONAS
from devstack.identity.sign_in import Wish, sign_in

if TYPE_CHECKING:
    from devstack.state import Running

# Who plans, and who has to look at it too.
FIRST: Final = "helper"
SECOND: Final = "keeper"
STAFF: Final = tuple(name for name, each in PERSONAS.items() if "support" in each.roles)

Login = tuple[tuple[str, str], ...]


def login(stack: Running, person: str, intent: str | None = None) -> Login:
    """Sign a person in, with the second factor and for ``intent`` where one is named; return the call's metadata."""
    who = PERSONAS[person]
    wish = Wish(step_up=intent is not None, intent={"type": intent} if intent else None)
    token = sign_in(stack.issuer(who.provider), who, wish).access_token
    return (("authorization", f"Bearer {token}"),)
