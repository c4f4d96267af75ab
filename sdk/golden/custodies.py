"""Owns the vectors of AccessKeys and of Project Keys in custody: how they are read, and what must not open."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from ora.portal.v1 import access_key_pb2
from ora.portal.v1.custody_pb2 import SealedProjectKey

from sdk.access_key import AccessKey, parse_access_key, parse_qr, qr_text
from sdk.custody import Place, ProjectKey, open_sealed, seal
from sdk.errors import SealError
from sdk.golden.files import Facts, Vector
from sdk.golden.testkeys import secret_of
from sdk.hpke import SuiteId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER: Final = "custody"
KEYS: Final = "access_key"
KEY: Final = AccessKey(0x2C0FFEE5, secret_of("access key")[:15])
OTHER: Final = AccessKey(7, secret_of("other access key")[:15])
FINGERPRINT: Final = secret_of("certificate")[:8]
PROJECT_KEY: Final = ProjectKey(secret_of("project key"))
PLACE: Final = Place(
    organization=uuid.UUID("0197a000-0000-7000-8000-00000000000a").bytes,
    project=uuid.UUID("0197a000-0000-7000-8000-0000000000aa").bytes,
    generation=2,
    lock_epoch=3,
)


def vectors(committed: Mapping[str, bytes]) -> list[Vector]:
    """Make the vectors of both folders. ``committed`` holds the sealed keys of before, by name."""
    return [*_spellings(), *_sealed(committed)]


def _spellings() -> Iterator[Vector]:
    symbols = KEY.symbols()
    swapped = symbols[1] + symbols[0] + symbols[2:]
    for name, about, text in (
        ("typed", "As it is given to people.", KEY.text()),
        ("typed_carelessly", "Lower case, spaces, O for 0 and l for 1.", f" {_careless(KEY.text())} "),
        ("other", "Another one, with a small locator.", OTHER.text()),
        ("scanned", "The QR code's text, with the Hub's fingerprint.", qr_text(KEY, FINGERPRINT)),
        ("bad_symbol", "U is no symbol.", "U" + symbols[1:]),
        ("bad_change", "One symbol is another.", ("0" if symbols[0] != "0" else "1") + symbols[1:]),
        ("bad_order", "Two neighbours have changed places.", swapped),
        ("bad_length", "A symbol is missing.", symbols[:-1]),
        ("bad_code", "The QR code of something else.", "ORAR1:" + symbols),
        ("bad_version", "A code of a later version.", qr_text(KEY, FINGERPRINT)[:-1] + "Z"),
    ):
        yield Vector(folder=KEYS, name=name, about=about, binary=text.encode(), facts=reading(text))


def _careless(text: str) -> str:
    return text.lower().replace("-", " ").replace("0", "O").replace("1", "l")


def reading(text: str) -> Facts:
    """Say what a text is read as, and what follows from it."""
    try:
        key, mark = parse_qr(text) if ":" in text else (parse_access_key(text), b"")
    except SealError as error:
        return {"expect": error.reason}
    small, hybrid = key.keys(SuiteId.SMALL), key.keys(SuiteId.HYBRID)
    return {
        "expect": "READS",
        "symbols": key.symbols(),
        "locator": key.locator,
        "secret": key.secret.hex(),
        "fingerprint": mark.hex(),
        "auth_seed": small.auth.seed.hex(),
        "auth_public_key": small.auth.public().hex(),
        "wrap_x25519_private_key": small.wrap.raw.hex(),
        "wrap_x25519_public_key": small.wrap.public().raw.hex(),
        "wrap_mlkem768_x25519_seed": hybrid.wrap.raw.hex(),
        "wrap_mlkem768_x25519_public_key": hybrid.wrap.public().raw.hex(),
    }


def _sealed(committed: Mapping[str, bytes]) -> Iterator[Vector]:
    for suite, name in ((SuiteId.SMALL, "x25519"), (SuiteId.HYBRID, "mlkem768_x25519")):
        good = _seal(suite, committed.get(name, b""))
        yield _vector(name, "Opens with the AccessKey, at its place.", good, KEY, PLACE)
        yield _vector(f"{name}_other_key", "Another AccessKey.", good, OTHER, PLACE)
        for what, place in (
            ("organization", replace(PLACE, organization=bytes(16))),
            ("project", replace(PLACE, project=bytes(16))),
            ("generation", replace(PLACE, generation=1)),
            ("lock_epoch", replace(PLACE, lock_epoch=4)),
        ):
            yield _vector(f"{name}_other_{what}", f"Another {what}.", good, KEY, place)
        for what, changed in _changed(good):
            yield _vector(f"{name}_{what}", f"Changed: {what}.", changed, KEY, PLACE)


def _changed(good: SealedProjectKey) -> Iterator[tuple[str, SealedProjectKey]]:
    for field in ("encapsulated_key", "ciphertext"):
        changed = SealedProjectKey.FromString(good.SerializeToString())
        value = getattr(good, field)
        setattr(changed, field, value[:-1] + bytes([value[-1] ^ 1]))
        yield f"bad_{field}", changed
    cut = SealedProjectKey.FromString(good.SerializeToString())
    cut.encapsulated_key = good.encapsulated_key[:-1]
    yield "cut_encapsulated_key", cut
    told = SealedProjectKey.FromString(good.SerializeToString())
    told.generation, told.lock_epoch = 1, 4
    yield "told_otherwise", told
    suite = SealedProjectKey.FromString(good.SerializeToString())
    suite.suite = (
        access_key_pb2.HPKE_SUITE_X25519
        if good.suite == access_key_pb2.HPKE_SUITE_MLKEM768_X25519
        else access_key_pb2.HPKE_SUITE_MLKEM768_X25519
    )
    yield "other_suite", suite


def _seal(suite: SuiteId, committed: bytes) -> SealedProjectKey:
    """Seal, or keep what is committed if it is this recipe's."""
    try:
        before = SealedProjectKey.FromString(committed)
        if open_sealed(before, KEY.keys(suite).wrap, PLACE) == PROJECT_KEY:
            return before
    except (DecodeError, SealError):
        pass
    return seal(PROJECT_KEY, KEY.keys(suite).wrap.public(), PLACE)


def _vector(name: str, about: str, sealed: SealedProjectKey, key: AccessKey, place: Place) -> Vector:
    suite = "X25519" if name.startswith("x25519") else "MLKEM768_X25519"
    binary = sealed.SerializeToString(deterministic=True)
    facts: Facts = {
        "access_key": key.symbols(),
        "suite": suite,
        "organization": place.organization.hex(),
        "project": place.project.hex(),
        "generation": place.generation,
        "lock_epoch": place.lock_epoch,
        "info": place.info.hex(),
    }
    return Vector(folder=FOLDER, name=name, about=about, binary=binary, facts=facts | opening(binary, facts))


def opening(binary: bytes, facts: Facts) -> Facts:
    """Say what comes of opening a SealedProjectKey as the facts say."""
    suite = SuiteId.SMALL if facts["suite"] == "X25519" else SuiteId.HYBRID
    wrap = parse_access_key(str(facts["access_key"])).keys(suite).wrap
    place = Place(
        organization=bytes.fromhex(str(facts["organization"])),
        project=bytes.fromhex(str(facts["project"])),
        generation=int(str(facts["generation"])),
        lock_epoch=int(str(facts["lock_epoch"])),
    )
    try:
        opened = open_sealed(SealedProjectKey.FromString(binary), wrap, place)
    except SealError as error:
        return {"expect": error.reason}
    return {"expect": "OPENS", "project_key": opened.raw.hex(), "info": place.info.hex()}
