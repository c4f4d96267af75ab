"""Owns a Hub's folder: its keys, its peers, its counters and its certificate. It knows no network.

`hub.json` (secret) keys, counters, peers · `public.json` what it shows at pairing · `tls.key` (secret), `tls.csr`,
`tls.crt` its operational certificate, which the cloud's Hub CA signs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sdk.hpke import SuiteId
from sdk.ids import hub_bytes, hub_text
from sdk.key_files import (
    app_public_from_json,
    app_public_to_json,
    hub_keys_from_json,
    hub_keys_to_json,
    hub_public_to_json,
    read_document,
    write_secret,
)
from sdk.keys import AppPublic, HubKeys, new_hub_keys, new_signing_key
from sdk.statements import subject_digest

if TYPE_CHECKING:
    from pathlib import Path

SECRETS: Final = "hub.json"
PUBLIC: Final = "public.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedApp:
    """An app session that was paired with the Hub on the LAN."""

    public: AppPublic
    subject_digest: bytes
    """32 bytes: which person, without a name."""
    not_after_seconds: int = 0
    """0: until the list changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubState:
    """All that a Hub keeps."""

    keys: HubKeys
    consent_sequence: int = 0
    capabilities: tuple[int, ...] = ()
    """What the owner last turned on."""
    peer_list_sequence: int = 0
    apps: tuple[PairedApp, ...] = field(default_factory=tuple)

    def app(self, peer_id: bytes) -> AppPublic | None:
        """Return the app session with this peer id."""
        return next((app.public for app in self.apps if app.public.peer_id == peer_id), None)


def create(root: Path, hub: str, suite: SuiteId = SuiteId.HYBRID) -> Path:
    """Make a factory-fresh Hub: a folder below ``root`` with keys and a certificate request; return the folder.

    Raises:
        MalformedError: ``hub`` is no UUID in lower case.
        FileExistsError: it is there already.
    """
    state = HubState(keys=new_hub_keys(hub_bytes(hub), suite))
    folder = root / hub
    folder.mkdir(parents=True)
    key = ec.generate_private_key(ec.SECP256R1())
    _write_private(
        folder / "tls.key",
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:uuid:{hub}")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.csr").write_bytes(request.public_bytes(serialization.Encoding.PEM))
    save(folder, state)
    return folder


def load(folder: Path) -> HubState:
    """Read a Hub's folder.

    Raises:
        MalformedError: `hub.json` is not one.
    """
    return read_document(folder / SECRETS, _from_json)


def save(folder: Path, state: HubState) -> None:
    """Write what changed; a Hub that dies in between has the old state or the new one."""
    write_secret(folder / SECRETS, _to_json(state))
    (folder / PUBLIC).write_text(json.dumps(hub_public_to_json(state.keys.public()), indent=2))


def pair(state: HubState, app: AppPublic, *, issuer: str, subject: str, not_after_seconds: int = 0) -> HubState:
    """Return the state with one app session more, or with the entry of the same session renewed."""
    paired = PairedApp(
        public=app,
        subject_digest=subject_digest(state.keys.hub_id, issuer, subject),
        not_after_seconds=not_after_seconds,
    )
    others = tuple(other for other in state.apps if other.public.peer_id != app.peer_id)
    return replace(state, apps=(*others, paired))


def unpair(state: HubState, peer_id: bytes) -> HubState:
    """Return the state without one app session."""
    return replace(state, apps=tuple(app for app in state.apps if app.public.peer_id != peer_id))


def factory_reset(state: HubState) -> HubState:
    """Return the state after a factory reset: a new owner epoch, nobody paired, everything off."""
    keys = replace(state.keys, owner=new_signing_key(), owner_epoch=state.keys.owner_epoch + 1)
    return HubState(keys=keys)


def folders(root: Path) -> list[Path]:
    """List the Hubs below ``root``, by id."""
    return sorted(path.parent for path in root.glob(f"*/{SECRETS}"))


def hub_name(state: HubState) -> str:
    """Return the Hub's UUID as text."""
    return hub_text(state.keys.hub_id)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _to_json(state: HubState) -> dict[str, Any]:
    return {
        "keys": hub_keys_to_json(state.keys),
        "consent_sequence": state.consent_sequence,
        "capabilities": list(state.capabilities),
        "peer_list_sequence": state.peer_list_sequence,
        "apps": [
            {
                "public": app_public_to_json(app.public),
                "subject_digest": app.subject_digest.hex(),
                "not_after_seconds": app.not_after_seconds,
            }
            for app in state.apps
        ],
    }


def _from_json(document: dict[str, Any]) -> HubState:
    return HubState(
        keys=hub_keys_from_json(document["keys"]),
        consent_sequence=int(document["consent_sequence"]),
        capabilities=tuple(int(number) for number in document["capabilities"]),
        peer_list_sequence=int(document["peer_list_sequence"]),
        apps=tuple(
            PairedApp(
                public=app_public_from_json(app["public"]),
                subject_digest=bytes.fromhex(app["subject_digest"]),
                not_after_seconds=int(app["not_after_seconds"]),
            )
            for app in document["apps"]
        ),
    )
