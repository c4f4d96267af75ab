"""Owns the reference Hub in C as a Hub's firmware: builds it, tells it by its commands, hears it by its JSON lines."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import json
import re
import subprocess
import uuid
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from ora.common.v1.signed_record_pb2 import SignedRecord

from devstack.dev.firmware import Shown
from sdk.key_files import hub_public_from_json, read_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from devstack.dev.firmware import Cloud, OnEvent, Patience
    from sdk.keys import AppPublic, HubPublic

STATE: Final = "hub.state"
SOURCE: Final = Path(__file__).resolve().parents[2] / "proto" / "firmware"
_NAMES: Final = ("", "RELAY", "TELEMETRY", "BACKUP", "OTA_POLL", "COMMAND", "STREAM", "SHADOW")
_GOODBYE: Final = 5.0


class HubCommandError(Exception):
    """The reference Hub could not be built, or did not do what it was told; the text is its own."""


def build(*, sanitized: bool = False) -> Path:
    """Build the reference Hub where it is not built yet; return the program. Many may call this at once."""
    folder = SOURCE / "build"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["make", "-C", str(SOURCE), "-j2", "checked-hub" if sanitized else "hub"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HubCommandError(
            f"{done.stderr[-2000:]}\nThe reference Hub needs the Debian packages of `python -m devstack.debian`."
        )
    return folder / ("checked/ora-hub" if sanitized else "ora-hub")


class CHub:
    """A Hub played by the program of proto/firmware/example."""

    def __init__(self, program: Path) -> None:
        self._program = program

    async def create(self, folder: Path, hub_id: str) -> Shown:
        """Make a factory-fresh Hub."""
        folder.mkdir(parents=True)  # noqa: ASYNC240 - one folder, on this machine
        await self.tell("init", folder, hub=hub_id)
        return Shown(request=(folder / "tls.csr").read_bytes(), identity_public=self.public(folder).identity_public)

    def public(self, folder: Path) -> HubPublic:
        """Return what it shows at pairing."""
        return read_document(folder / "public.json", hub_public_from_json)

    def capabilities(self, folder: Path) -> set[str]:
        """Name what its owner has turned on."""
        found = re.search(r"^capabilities=(\d+)$", (folder / STATE).read_text(), re.MULTILINE)
        bits = int(found[1]) if found else 0
        return {name for number, name in enumerate(_NAMES) if number and bits >> number & 1}

    async def owner_key(self, folder: Path, cloud: Cloud) -> None:
        """Let it announce its owner key."""
        await self.tell("owner-key", folder, **_door(cloud))

    async def consent(self, folder: Path, cloud: Cloud, capabilities: list[str]) -> dict[str, Any]:
        """Let it state all that the cloud may do."""
        said = await self.tell("consent", folder, on=",".join(capabilities) or "none", **_door(cloud))
        answer: dict[str, Any] = json.loads(said)["answer"]
        return answer

    async def pair(self, folder: Path, app: AppPublic, *, issuer: str, subject: str) -> None:
        """Pair an app session."""
        await self.tell(
            "pair",
            folder,
            signing=app.signing_public.hex(),
            sealing=app.sealing_public.raw.hex(),
            key_epoch=str(app.key_epoch),
            issuer=issuer,
            subject=subject,
        )

    async def peers(self, folder: Path, cloud: Cloud) -> None:
        """Let it state who may talk to it."""
        await self.tell("peers", folder, **_door(cloud))

    def handing(self, folder: Path, root_public: bytes) -> CHanding:
        """Return its part in a handover."""
        return CHanding(self, folder, root_public)

    @asynccontextmanager
    async def run(self, folder: Path, cloud: Cloud, on_event: OnEvent, patience: Patience) -> AsyncIterator[None]:
        """Run it while the block lasts."""
        async with self.running(
            folder,
            cloud,
            on_event,
            backoff_base_ms=str(round(patience.base_s * 1000)),
            backoff_cap_ms=str(round(patience.cap_s * 1000)),
        ):
            yield

    @asynccontextmanager
    async def running(
        self, folder: Path, cloud: Cloud, on_event: OnEvent, **options: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run it with options of one's own; give the process, which has ended when the block is left."""
        options |= {"host": cloud.host, "port": str(cloud.port), "ca": str(cloud.ca_file)}
        process = await asyncio.create_subprocess_exec(
            *self.command("run", folder, options), stdout=asyncio.subprocess.PIPE, limit=1 << 20
        )
        hearing = asyncio.create_task(_hear(process, on_event))
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _GOODBYE)
            except TimeoutError:
                process.kill()
                await process.wait()
            await hearing

    async def tell(self, command: str, folder: Path, **options: str) -> str:
        """Run one command to its end; return what it printed.

        Raises:
            HubCommandError: it did not do it.
        """
        process = await asyncio.create_subprocess_exec(
            *self.command(command, folder, options), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, errors = await process.communicate()
        if process.returncode:
            raise HubCommandError(f"{command}: {errors.decode().strip() or out.decode().strip()}")
        return out.decode()

    def command(self, command: str, folder: Path, options: dict[str, str]) -> list[str]:
        """Return the argument list of one command."""
        said = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
        return [str(self._program), command, "--dir", str(folder), *said]


class CHanding:
    """What apps on the local network ask of the reference Hub in a handover: one command each."""

    def __init__(self, hub: CHub, folder: Path, root_public: bytes) -> None:
        self._hub, self._folder, self._root = hub, folder, root_public

    def learn_keys(self, records: Iterable[bytes]) -> int:
        """Take the portal's keys for handovers that the root signed; return how many are known now."""
        return max(
            (int(self._ask("learn", record=_text(each), portal_root=self._root.hex())) for each in records), default=0
        )

    def bind(self, project_id: bytes, nonce: bytes) -> bytes:
        """Join a project; return the record for the portal."""
        return _record(self._ask("bind", project=str(uuid.UUID(bytes=project_id)), nonce=nonce.hex()))

    def take_notice(self, encoded: bytes, auth_public_key: bytes) -> object:
        """Lock, by the portal's word and the installer's."""
        return json.loads(self._ask("notice", record=_text(encoded), auth=auth_public_key.hex()))

    def take_claim(self, claim: bytes, claimant_signature: bytes, grant: bytes) -> bytes:
        """Take a new owner; return the receipt."""
        return _record(self._ask("claim", claim=_text(claim), signature=claimant_signature.hex(), grant=_text(grant)))

    def _ask(self, command: str, **options: str) -> str:
        done = subprocess.run(
            self._hub.command(command, self._folder, options), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise HubCommandError(f"{command}: {done.stderr.strip()}")
        return done.stdout


def _text(encoded: bytes) -> str:
    return base64.b64encode(encoded).decode()


def _record(said: str) -> bytes:
    return json_format.Parse(said, SignedRecord()).SerializeToString(deterministic=True)


async def _hear(process: asyncio.subprocess.Process, on_event: OnEvent) -> None:
    assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
    async for line in process.stdout:
        on_event(json.loads(line))


def _door(cloud: Cloud) -> dict[str, str]:
    return {"url": cloud.door, "ca": str(cloud.ca_file)}
