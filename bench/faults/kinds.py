"""Owns the faults: what is done to a component, and what undoes it. Each is a context, and lasts as long."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devstack.state import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_STANDS_STILL: Final = 4.0
_IS_AWAY: Final = 2.0
_CUT_OFF: Final = 6.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault."""

    name: str
    make: Callable[[Running], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def killed(stack: Running, component: str) -> AsyncIterator[None]:
    """Kill a component as a power cut would, and start it again after a moment."""
    await asyncio.to_thread(stack.ask, "kill", component)
    try:
        await asyncio.sleep(_IS_AWAY)
        yield
    finally:
        await asyncio.to_thread(stack.ask, "restart", component)


@asynccontextmanager
async def paused(stack: Running, component: str) -> AsyncIterator[None]:
    """Let a component stand still: it neither answers nor closes, as behind a network that is cut."""
    pid = int(stack.data["components"][component]["pid"])
    processes = [pid, *_children(pid)]
    for each in processes:
        os.kill(each, signal.SIGSTOP)
    try:
        await asyncio.sleep(_STANDS_STILL)
        yield
    finally:
        for each in processes:
            os.kill(each, signal.SIGCONT)


@asynccontextmanager
async def expired(stack: Running, workload: str) -> AsyncIterator[None]:
    """Give a workload a certificate whose time is over, then its own again; nothing is restarted."""
    folder = Path(stack.file("certificates")) / workload
    own = {each: (folder / each).read_bytes() for each in ("tls.crt", "tls.key")}
    _swap(folder, _over(own["tls.crt"]))
    try:
        await asyncio.sleep(_CUT_OFF)
        yield
    finally:
        _swap(folder, own)


@asynccontextmanager
async def full(stack: Running, folder: str) -> AsyncIterator[None]:
    """Put a file system without room over a folder; wants root."""
    place = Path(stack.data["home"]) / folder
    await _run("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(place))
    (place / "filler").write_bytes(bytes(4096))
    try:
        await asyncio.sleep(_IS_AWAY)
        yield
    finally:
        await _run("umount", "--lazy", str(place))


async def _run(*command: str) -> None:
    done = await asyncio.create_subprocess_exec(*command)
    if await done.wait():
        raise RuntimeError(f"{command[0]} ended with {done.returncode}")


def _children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, encoding="utf-8", check=False)
    direct = [int(each) for each in found.stdout.split()]
    return direct + [inner for each in direct for inner in _children(each)]


def _over(leaf: bytes) -> dict[str, bytes]:
    """Return a certificate of the same names and of yesterday, signed by nobody whom anybody believes."""
    old = x509.load_pem_x509_certificate(leaf)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    names = old.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    made = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(names.value, critical=names.critical)
        .sign(key, hashes.SHA256())
    )
    text = serialization.Encoding.PEM
    private = key.private_bytes(text, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {"tls.crt": made.public_bytes(text), "tls.key": private}


def _swap(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        fresh = folder / f"{name}.new"
        shutil.copy(folder / name, fresh)
        fresh.write_bytes(content)
        fresh.replace(folder / name)


COMPONENTS: Final = ("relay-1", "gateway", "fleet", "portal", "ingest", "valkey", "postgres")
FAULTS: Final = (
    *(Fault(f"{each} is killed, and back after 2 s", lambda s, each=each: killed(s, each)) for each in COMPONENTS),  # type: ignore[misc]
    *(Fault(f"{each} stands still for 4 s", lambda s, each=each: paused(s, each)) for each in COMPONENTS),  # type: ignore[misc]
    Fault("the relay's mesh certificate has expired for 6 s", lambda s: expired(s, "relay")),
    Fault("fleet's mesh certificate has expired for 6 s", lambda s: expired(s, "fleet")),
    Fault("the disk of backups is full", lambda s: full(s, "backup-objects")),
)
