"""Owns what a Hub tells the cloud about itself: makes the signed records and posts them at the Hub listener.

A record is written down (its sequence is spent) before it is posted; posting the same one again has no effect.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from hubsim.store import HubState, hub_name, load, save
from hubsim.wire import (
    Capability,
    Peer,
    write_consent,
    write_owner_key,
    write_peer_list,
    write_record,
    write_support_grant,
)
from sdk.statements import Context, sign_statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdk.keys import SigningKey

TIMEOUT_S = 10.0


class RecordRefusedError(Exception):
    """The cloud did not take a record."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RecordClient:
    """One Hub's way to the cloud's HubRecordService."""

    http: httpx.AsyncClient
    """With the Hub listener's base URL, and the Hub's own certificate."""
    folder: Path

    async def owner_key(self) -> dict[str, Any]:
        """Announce the owner key of the current epoch; return the cloud's HubRecords."""
        state = load(self.folder)
        keys = state.keys
        statement = write_owner_key(keys.hub_id, keys.owner_epoch, keys.owner.public())
        return await self._post(state, "ownerKey", Context.OWNER_KEY, keys.identity, statement)

    async def consent(self, capabilities: Iterable[Capability]) -> dict[str, Any]:
        """State all that the cloud may do from now on; nothing listed: everything off."""
        listed = tuple(sorted({int(capability) for capability in capabilities}))
        before = load(self.folder)
        state = replace(before, consent_sequence=before.consent_sequence + 1, capabilities=listed)
        save(self.folder, state)
        statement = write_consent(
            state.keys.hub_id, state.keys.owner_epoch, state.consent_sequence, [Capability(n) for n in listed]
        )
        return await self._post(state, "consent", Context.CONSENT, state.keys.owner, statement)

    async def peers(self) -> dict[str, Any]:
        """State who may talk to the Hub: the apps that are paired now."""
        before = load(self.folder)
        state = replace(before, peer_list_sequence=before.peer_list_sequence + 1)
        save(self.folder, state)
        statement = write_peer_list(
            state.keys.hub_id,
            state.keys.owner_epoch,
            state.peer_list_sequence,
            [
                Peer(
                    peer_id=app.public.peer_id,
                    subject_digest=app.subject_digest,
                    not_after_seconds=app.not_after_seconds,
                )
                for app in state.apps
            ],
        )
        return await self._post(state, "peers", Context.PEER_LIST, state.keys.owner, statement)

    async def held(self) -> dict[str, Any]:
        """Return what the cloud holds of this Hub's records."""
        return _answer(await self.http.get(f"/v1/hubs/{hub_name(load(self.folder))}/records", timeout=TIMEOUT_S))

    async def _post(
        self, state: HubState, path: str, context: Context, key: SigningKey, statement: bytes
    ) -> dict[str, Any]:
        """Sign a statement and post it. The JSON is Protobuf's: bytes are base64."""
        made = sign_statement(key, context, statement)
        body = {
            "statement": base64.b64encode(statement).decode(),
            "signature": base64.b64encode(made.signature).decode(),
            "keyId": base64.b64encode(made.key_id).decode(),
        }
        return _answer(await self.http.post(f"/v1/hubs/{hub_name(state)}/{path}", json=body, timeout=TIMEOUT_S))


def support_grant(folder: Path, not_after: float) -> bytes:
    """Let Ora's support look at this Hub's numbers for a while; return the SignedRecord for the owner to hand over."""
    keys = load(folder).keys
    statement = write_support_grant(keys.hub_id, keys.owner_epoch, secrets.token_bytes(16), int(not_after))
    return write_record(statement, sign_statement(keys.owner, Context.SUPPORT_GRANT, statement))


def _answer(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON of a success.

    Raises:
        RecordRefusedError: it is none.
    """
    try:
        document = response.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    if response.status_code != httpx.codes.OK:
        raise RecordRefusedError(response.status_code, str(document.get("reason", f"HTTP_{response.status_code}")))
    return document
