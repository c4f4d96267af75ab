"""Owns the reference Hub in C as a Hub's firmware: builds it, tells it by its commands, hears it by its JSON lines."""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import subprocess
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devstack.dev.firmware import Shown
from sdk.key_files import hub_public_from_json, read_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
            *self._command("run", folder, options), stdout=asyncio.subprocess.PIPE, limit=1 << 20
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
            *self._command(command, folder, options), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, errors = await process.communicate()
        if process.returncode:
            raise HubCommandError(f"{command}: {errors.decode().strip() or out.decode().strip()}")
        return out.decode()

    def _command(self, command: str, folder: Path, options: dict[str, str]) -> list[str]:
        said = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
        return [str(self._program), command, "--dir", str(folder), *said]


async def _hear(process: asyncio.subprocess.Process, on_event: OnEvent) -> None:
    assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
    async for line in process.stdout:
        on_event(json.loads(line))


def _door(cloud: Cloud) -> dict[str, str]:
    return {"url": cloud.door, "ca": str(cloud.ca_file)}
