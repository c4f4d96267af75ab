"""Owns how a Hub backs up its layout, and how another Hub brings it back with the Recovery Key typed in.

Tickets come over the Hub's own door, with its certificate. Everything else goes over a door that knows nobody, on a
connection of its own. A Hub fetches tickets ahead and spends them later, so that neither time nor order ties the two.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx

from hubsim.wire import write_backup_delete
from sdk.backup import tickets
from sdk.backup.layout import encode_layout, read_layout
from sdk.backup.reader import ContainerReader
from sdk.backup.recovery_key import parse_recovery_key
from sdk.backup.writer import Recipe, write
from sdk.statements import Context, sign_statement

if TYPE_CHECKING:
    from ora.backup.v1.layout_pb2 import Layout

    from sdk.backup.recovery_key import BackupKeys

TIMEOUT_S: Final = 30.0
_WORD_HOLDS_S: Final = 600
# What a farewell holds: nobody but the new key's holder opens it, and that one has something better.
_FAREWELL: Final = b""


class BackupRefusedError(Exception):
    """The cloud did not do it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class BackupClient:
    """One Hub's way to the cloud's backups."""

    hub: str
    """The Hub's id as text."""
    known: httpx.AsyncClient = field(repr=False)
    """With the Hub listener's base URL and the Hub's certificate: for tickets alone."""
    nameless: httpx.AsyncClient = field(repr=False)
    """With the backup listener's base URL and no certificate."""
    held: list[dict[str, str]] = field(default_factory=list, repr=False)
    """Tickets that were not spent yet."""

    async def fetch_tickets(self, count: int = 1) -> None:
        """Get tickets ahead. The key is asked for without a name, so that nobody gets one of its own."""
        key = _answer(await self.nameless.get("/v1/backupTicketKey", timeout=TIMEOUT_S))
        blinded = [tickets.blind(base64.b64decode(key["publicKeyDer"])) for _ in range(count)]
        body = {"keyId": key["keyId"], "blindedMessages": [_text(each.message) for each in blinded]}
        path = f"/v1/hubs/{self.hub}/backupTickets:issue"
        answer = _answer(await self.known.post(path, json=body, timeout=TIMEOUT_S))
        for each, signature in zip(blinded, answer["blindSignatures"], strict=True):
            signed = tickets.finish(each, base64.b64decode(signature))
            self.held.append({"keyId": key["keyId"], "input": _text(each.input), "signature": _text(signed)})

    async def store(self, container: bytes, locator: bytes) -> dict[str, Any]:
        """Upload a container and make it the newest generation; return the cloud's BackupGeneration."""
        if not self.held:
            await self.fetch_tickets()
        body = {"ticket": self.held.pop(), "locator": _text(locator), "lengthBytes": str(len(container))}
        upload = _answer(await self.nameless.post("/v1/backupUploads", json=body, timeout=TIMEOUT_S))
        return await self.resume(container, upload)

    async def resume(self, container: bytes, upload: dict[str, Any]) -> dict[str, Any]:
        """Send what the cloud does not have yet, then commit."""
        done = int(upload.get("committedBytes", "0"))
        path = f"/v1/{upload['name']}"
        if done < len(container):
            headers = {"content-type": "application/octet-stream"}
            where = {"offsetBytes": str(done)} if done else {}
            sent = self.nameless.post(
                f"{path}:write", params=where, content=container[done:], headers=headers, timeout=TIMEOUT_S
            )
            _answer(await sent)
        return _answer(await self.nameless.post(f"{path}:commit", json={}, timeout=TIMEOUT_S))

    async def back_up(self, layout: Layout, recipe: Recipe) -> bytes:
        """Seal a layout and store it; return its digest, which the next generation names."""
        made = write(encode_layout(layout), recipe)
        await self.store(made.container, recipe.keys.locator)
        return made.digest

    async def replace_key(self, layout: Layout, current: Recipe, new: BackupKeys) -> Recipe:
        """Go over to a new Recovery Key: what the old one opens is deleted; return what the next backup follows.

        ``current`` is what the next backup would have followed. On the old line a farewell is left that only the new
        key opens, so that whoever types the old one is told that there is a newer one.
        """
        old = current.keys
        retired = (old, *current.retired)
        first = Recipe(keys=new, retired=retired, cost=current.cost)
        digest = await self.back_up(layout, first)
        await self.delete(old, generation=current.generation - 1)
        await self.store(write(_FAREWELL, replace(first, line=old)).container, old.locator)
        return replace(first, generation=2, previous_digest=digest)

    async def delete(self, keys: BackupKeys, *, generation: int) -> None:
        """Delete every generation up to this one, by the write key's word."""
        statement = write_backup_delete(keys.locator, generation, int(time.time()) + _WORD_HOLDS_S)
        made = sign_statement(keys.writer, Context.BACKUP_ACTION, statement)
        record = {
            "statement": _text(statement),
            "signature": _text(made.signature),
            "keyId": _text(made.key_id),
        }
        _answer(await self.nameless.post(f"/v1/backups/{keys.locator.hex()}:delete", json=record, timeout=TIMEOUT_S))

    async def restore(self, typed: str) -> tuple[Layout, Recipe]:
        """Bring back the newest layout; return it and what the next backup follows.

        Raises:
            BackupError: why the key or the container is not right; each reason is its own class.
            BackupRefusedError: nothing is stored for this key, or the cloud is away.
        """
        keys: BackupKeys = parse_recovery_key(typed).keys()
        name = f"backups/{keys.locator.hex()}"
        stored = _answer(await self.nameless.get(f"/v1/{name}", timeout=TIMEOUT_S))
        container = await self.download(f"{name}/generations/{stored['newestGeneration']}")
        reader = ContainerReader(keys)
        content = reader.feed(container)
        head, digest = reader.finish()
        follows = Recipe(keys=keys, generation=head.generation + 1, previous_digest=digest, cost=head.cost)
        return read_layout(content), follows

    async def download(self, name: str) -> bytes:
        """Return the bytes of one generation."""
        response = await self.nameless.get(f"/v1/{name}:download", timeout=TIMEOUT_S)
        if response.status_code != httpx.codes.OK:
            _answer(response)
        return response.content


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        document = {}
    answer: dict[str, Any] = document if isinstance(document, dict) else {}
    if response.status_code != httpx.codes.OK:
        raise BackupRefusedError(response.status_code, str(answer.get("reason", f"HTTP_{response.status_code}")))
    return answer
