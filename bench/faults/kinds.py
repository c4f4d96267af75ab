"""Owns the faults: what is done to a component, and what undoes it. Each is a context, and lasts as long."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.faults.grounds import MISDATED, WIRED, Grounds
from bench.faults.means import Mean
from devstack.running.control import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_STANDS_STILL: Final = 4.0
_IS_AWAY: Final = 2.0
_HAS_EXPIRED: Final = 6.0
_IS_CUT_OFF: Final = 10.0
_IS_MISDATED: Final = 6.0
_IS_FULL: Final = 10.0
# More than PostgreSQL ever keeps for later on a disk of ours.
_FILES_READY: Final = 40
_MINUTE: Final = 60
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault."""

    name: str
    make: Callable[[Grounds], AbstractAsyncContextManager[None]]
    # What of the machine it cannot be made without.
    wants: Mean | None = None


@asynccontextmanager
async def killed(grounds: Grounds, component: str) -> AsyncIterator[None]:
    """Kill a component as a power cut would, and start it again after a moment."""
    stack = grounds.stack
    await asyncio.to_thread(stack.ask, "kill", component)
    try:
        await asyncio.sleep(_IS_AWAY)
        yield
    finally:
        await asyncio.to_thread(stack.ask, "restart", component)


@asynccontextmanager
async def paused(grounds: Grounds, component: str) -> AsyncIterator[None]:
    """Let a component stand still: it neither answers nor closes."""
    pid = int(grounds.stack.data["components"][component]["pid"])
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
async def expired(grounds: Grounds, workload: str) -> AsyncIterator[None]:
    """Give a workload a certificate whose time is over, then its own again; nothing is restarted."""
    folder = Path(grounds.stack.file("certificates")) / workload
    own = {each: (folder / each).read_bytes() for each in ("tls.crt", "tls.key")}
    _swap(folder, _over(own["tls.crt"]))
    try:
        await asyncio.sleep(_HAS_EXPIRED)
        yield
    finally:
        _swap(folder, own)


@asynccontextmanager
async def cut_off(grounds: Grounds, component: str) -> AsyncIterator[None]:
    """Drop every packet to and from a component; nobody is told, nothing is closed."""
    with grounds.wires[component].cut():
        await asyncio.sleep(_IS_CUT_OFF)
        yield


@asynccontextmanager
async def misdated(grounds: Grounds, component: str, seconds: int) -> AsyncIterator[None]:
    """Start a component again with a wrong clock; then its clock is put right while it runs."""
    clock, stack = grounds.clocks[component], grounds.stack
    clock.set(seconds)
    started = True
    try:
        try:
            await asyncio.to_thread(stack.ask, "restart", component)
        except RefusedError:
            started = False
        await asyncio.sleep(_IS_MISDATED)
        yield
    finally:
        clock.set(0)
        if not started:
            await asyncio.to_thread(stack.ask, "restart", component)


@asynccontextmanager
async def full(grounds: Grounds, disk: str) -> AsyncIterator[None]:
    """Leave no room on a disk."""
    with grounds.disks[disk].full():
        await asyncio.sleep(_IS_FULL)
        yield


@asynccontextmanager
async def log_full(grounds: Grounds) -> AsyncIterator[None]:
    """Leave no room on PostgreSQL's disk at the moment when it wants the next file of its log."""
    with grounds.disks["postgres"].full():
        # The server dies of it, and this answer with it.
        with suppress(asyncpg.PostgresError, OSError):
            await _turn_log(grounds.stack.data["databases"]["admin"])
        await asyncio.sleep(_IS_FULL)
        yield


async def _turn_log(address: str) -> None:
    """Use up the files that lie ready, until the server wants one that cannot be made."""
    connection = await asyncpg.connect(address, timeout=5)
    try:
        for _ in range(_FILES_READY):
            await connection.execute("SELECT pg_logical_emit_message(true, 'ora', 'next')", timeout=5)
            await connection.execute("SELECT pg_switch_wal()", timeout=5)
    finally:
        await connection.close(timeout=1)


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
CLOCKS: Final = {
    "five minutes ahead": 5 * _MINUTE,
    "five minutes behind": -5 * _MINUTE,
    "a day ahead": _DAY,
    "a day behind": -_DAY,
}
FAULTS: Final = (
    *(Fault(f"{each} is killed, and back after 2 s", partial(killed, component=each)) for each in COMPONENTS),
    *(Fault(f"{each} stands still for 4 s", partial(paused, component=each)) for each in COMPONENTS),
    *(Fault(f"{each} is cut off for 10 s", partial(cut_off, component=each), Mean.PACKETS) for each in WIRED),
    *(
        Fault(f"{each} restarts with its clock {how}", partial(misdated, component=each, seconds=seconds), Mean.CLOCK)
        for each in MISDATED
        for how, seconds in CLOCKS.items()
    ),
    Fault("the relay's mesh certificate has expired for 6 s", partial(expired, workload="relay")),
    Fault("fleet's mesh certificate has expired for 6 s", partial(expired, workload="fleet")),
    Fault("the disk of PostgreSQL is full for 10 s", partial(full, disk="postgres"), Mean.NAMESPACES),
    Fault("PostgreSQL wants the next file of its log on a full disk", log_full, Mean.NAMESPACES),
    Fault("the disk of backups is full for 10 s", partial(full, disk="backup-objects"), Mean.NAMESPACES),
    Fault("the disk of logs is full for 10 s", partial(full, disk="logs"), Mean.NAMESPACES),
)
