"""Owns the port to whatever plays the Hub: how it is made, what its owner does at it, and its life on the line.

Two stand behind it: the simulator (hubsim) and the reference Hub in C (proto/firmware/example). A Hub's folder says
which of them made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sdk.keys import AppPublic, HubPublic

OnEvent = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a Hub that keeps its keys to itself shows."""

    # A PKCS #10 request, PEM.
    request: bytes
    # Ed25519, 32 bytes.
    identity_public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Where the cloud is, for one Hub."""

    # The Hub listener's address, https.
    door: str
    # The relay's MQTT listener.
    host: str
    port: int
    # Whom a Hub believes as a server.
    ca_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How soon a Hub tries again: seconds."""

    base_s: float = 0.1
    cap_s: float = 1.0


class Handing(Protocol):
    """A Hub's part in a handover, as apps on the local network ask it. Records are encoded SignedRecords."""

    def learn_keys(self, records: Iterable[bytes]) -> int:
        """Take the portal's keys for handovers that the root signed; return how many are known now."""

    def bind(self, project_id: bytes, nonce: bytes) -> bytes:
        """Join a project; return the record for the portal."""

    def take_notice(self, encoded: bytes, auth_public_key: bytes) -> object:
        """Lock, by the portal's word and the installer's."""

    def take_claim(self, claim: bytes, claimant_signature: bytes, grant: bytes) -> bytes:
        """Take a new owner; return the receipt."""


class Firmware(Protocol):
    """One implementation of a Hub. Each Hub is a folder that nobody else writes to but for `tls.crt`."""

    async def create(self, folder: Path, hub_id: str) -> Shown:
        """Make a factory-fresh Hub in a folder that does not exist."""

    def public(self, folder: Path) -> HubPublic:
        """Return what it shows at pairing."""

    def capabilities(self, folder: Path) -> set[str]:
        """Name what its owner has turned on."""

    async def owner_key(self, folder: Path, cloud: Cloud) -> None:
        """Let it announce its owner key."""

    async def consent(self, folder: Path, cloud: Cloud, capabilities: list[str]) -> dict[str, Any]:
        """Let it state all that the cloud may do; return what the cloud holds."""

    async def pair(self, folder: Path, app: AppPublic, *, issuer: str, subject: str) -> None:
        """Pair an app session, as on the local network."""

    async def peers(self, folder: Path, cloud: Cloud) -> None:
        """Let it state who may talk to it."""

    def handing(self, folder: Path, root_public: bytes) -> Handing:
        """Return its part in a handover; it believes the portal's keys by this root."""

    def run(
        self, folder: Path, cloud: Cloud, on_event: OnEvent, patience: Patience
    ) -> AbstractAsyncContextManager[None]:
        """Run it while the block lasts; it answers `ping…` with `pong…`. ``on_event`` hears hubsim's events."""
