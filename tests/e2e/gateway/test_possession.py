"""A token that the provider bound to an app's key, through the whole stack: the key is shown for each request, once."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from devstack.identity.holder import Holder

if TYPE_CHECKING:
    from tests.stack import Stack


async def test_a_bound_token_needs_its_key_and_each_proof_is_good_once(stack: Stack) -> None:
    holder = Holder()
    tokens = stack.tokens("homer", holder=holder)
    assert tokens.claims["cnf"] == {"jkt": holder.thumbprint}
    address = f"{stack.address('gateway', 'app')}/v1/hubs/{uuid.uuid4()}/envelopes"
    async with stack.app() as app:
        once = holder.headers("POST", address, tokens.access_token)
        first = await app.post(address, json={}, headers=once)
        again = await app.post(address, json={}, headers=once)
        stolen = await app.post(address, json={}, headers={"authorization": f"Bearer {tokens.access_token}"})
    assert (first.status_code, first.json()["reason"]) == (400, "INVALID_ARGUMENT")
    assert (again.status_code, again.json()["reason"]) == (401, "PROOF_INVALID")
    assert (stolen.status_code, stolen.json()["reason"]) == (401, "TOKEN_INVALID")
