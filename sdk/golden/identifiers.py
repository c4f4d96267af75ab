"""Owns the vectors of derived ids: key id, peer id, subject digest. The binary is the derived value."""

from __future__ import annotations

from typing import Final

from sdk.golden.files import Vector
from sdk.golden.records import ISSUER, SUBJECT
from sdk.golden.testkeys import HUB_ID, OTHER_HUB_ID, app_of
from sdk.hpke import SuiteId
from sdk.keys import key_id, peer_id
from sdk.statements import subject_digest

FOLDER: Final = "identifier"


def vectors() -> list[Vector]:
    """Make every vector of this folder."""
    public = app_of(SuiteId.SMALL).signing.public()
    made = [
        Vector(folder=FOLDER, name=name, about=about, binary=binary, facts={"kind": name, "public_key": public.hex()})
        for name, about, binary in (
            ("key_id", "The first 8 bytes of SHA-256(public key).", key_id(public)),
            ("peer_id", "The first 16 bytes of SHA-256(public key).", peer_id(public)),
        )
    ]
    for name, about, hub_id in (
        ("subject_digest", "SHA-256 of `ora peer v1` ‖ 0x00 ‖ hub_id ‖ issuer ‖ 0x00 ‖ subject (UTF-8).", HUB_ID),
        ("subject_digest_other_hub", "The same person at another Hub has another digest.", OTHER_HUB_ID),
    ):
        facts: dict[str, object] = {
            "kind": "subject_digest",
            "hub_id": hub_id.hex(),
            "issuer": ISSUER,
            "subject": SUBJECT,
        }
        digest = subject_digest(hub_id, ISSUER, SUBJECT)
        made.append(Vector(folder=FOLDER, name=name, about=about, binary=digest, facts=facts))
    return made
