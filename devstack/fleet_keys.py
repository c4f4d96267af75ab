"""Owns the keys around a development stack's firmware: those that fleet holds online, and those of the people offline.

In the field the offline ones never meet the service. Here both lie below the stack's folder, in rooms of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from devstack.firmware import offline
from devstack.home import write_private

if TYPE_CHECKING:
    from pathlib import Path

ONLINE: Final = ("tuf-online", "director")
ROOT: Final = "firmware-root.json"


def make(folder: Path) -> list[str]:
    """Make what is missing; return what was made."""
    away = folder / "offline"
    for each in (folder, away, folder / "authorities"):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = [each for each in ONLINE if _key(folder / f"{each}.key")]
    made += [each for each in (*offline.ROLES, "trust") if _key(away / f"{each}.key")]
    public = offline.load(away / "trust.key").public_key()
    (folder / "trust.pub").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    if not (folder / ROOT).exists():
        online = offline.load(folder / "tuf-online.key").public_key()
        (folder / ROOT).write_bytes(offline.OfflineKeys.in_folder(away).first_root(online))
        made.append(ROOT)
    return made


def environment(folder: Path) -> dict[str, str]:
    """Return the settings of fleet that name them."""
    return {
        "ORA_FLEET_AUTHORITY_KEYS": str(folder / "authorities"),
        "ORA_FLEET_TRUST_KEY": str(folder / "trust.pub"),
        "ORA_FLEET_TUF_ONLINE_KEY": str(folder / "tuf-online.key"),
        "ORA_FLEET_DIRECTOR_KEY": str(folder / "director.key"),
    }


def _key(path: Path) -> bool:
    if path.exists():
        return False
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(path, pem.decode())
    return True
