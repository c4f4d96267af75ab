"""Owns the Project Key and its inner layer in custody: sealed to an AccessKey, for one place. It knows no transport.

The portal keeps what `seal` makes and cannot open it; the claimant opens it with the AccessKey's secret. Format:
proto/ora/portal/v1/custody.proto.
"""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ora.common.v1 import signed_record_pb2 as record_pb
from ora.portal.v1 import access_key_pb2, custody_pb2
from ora.portal.v1.handover_records_pb2 import CustodyReleaseStatement

from sdk.errors import MalformedError, WrongKeyError, WrongPlaceError
from sdk.hpke import SealingKey, SealingPublicKey, SuiteId, strong_open, strong_seal
from sdk.statements import Context, sign_statement

if TYPE_CHECKING:
    from sdk.keys import SigningKey

KEY_BYTES: Final = 32
ID_BYTES: Final = 16
_INFO: Final = b"ora custody v1\x00"
_SUITES: Final = {
    access_key_pb2.HPKE_SUITE_MLKEM768_X25519: SuiteId.HYBRID,
    access_key_pb2.HPKE_SUITE_X25519: SuiteId.SMALL,
}
_NUMBERS: Final = {suite: number for number, suite in _SUITES.items()}


@dataclass(frozen=True, slots=True, repr=False)
class ProjectKey:
    """256 bits that a project's plans are sealed under. They show in no repr."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES:
            raise MalformedError(f"a Project Key has {KEY_BYTES} bytes")

    def __repr__(self) -> str:
        return "ProjectKey(<hidden>)"


def new_project_key() -> ProjectKey:
    """Make a Project Key from the system's randomness."""
    return ProjectKey(secrets.token_bytes(KEY_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a Project Key is sealed for; at another place it does not open."""

    organization: bytes
    """16 bytes of the organisation's UUID."""
    project: bytes
    """16 bytes of the project's UUID."""
    generation: int
    """The AccessKey's."""
    lock_epoch: int
    """The handover's."""

    def __post_init__(self) -> None:
        if len(self.organization) != ID_BYTES or len(self.project) != ID_BYTES:
            raise MalformedError("ids have 16 bytes")
        if not 0 < self.generation < 1 << 32 or not 0 < self.lock_epoch < 1 << 64:
            raise MalformedError("generation and lock epoch count from 1")

    @property
    def info(self) -> bytes:
        """HPKE's info."""
        return _INFO + self.organization + self.project + struct.pack(">IQ", self.generation, self.lock_epoch)


def seal(key: ProjectKey, wrap: SealingPublicKey, place: Place) -> custody_pb2.SealedProjectKey:
    """Seal a Project Key to an AccessKey's `wrap` key, for one place."""
    enc, ciphertext = strong_seal(wrap, info=place.info, plaintext=key.raw)
    return custody_pb2.SealedProjectKey(
        lock_epoch=place.lock_epoch,
        generation=place.generation,
        suite=_NUMBERS[wrap.suite],
        encapsulated_key=enc,
        ciphertext=ciphertext,
    )


def open_sealed(sealed: custody_pb2.SealedProjectKey, wrap: SealingKey, place: Place) -> ProjectKey:
    """Open a Project Key from custody.

    Raises:
        WrongPlaceError: it says itself that it is for another lock epoch or generation.
        WrongKeyError: it is sealed with another suite than the key's.
        MalformedError: its parts are not as long as its suite says.
        TamperedError: anything else, also another organisation or project: the seal says no more.
    """
    if (sealed.lock_epoch, sealed.generation) != (place.lock_epoch, place.generation):
        raise WrongPlaceError("the Project Key is sealed for another handover or AccessKey")
    if _SUITES.get(sealed.suite) is not wrap.suite:
        raise WrongKeyError("the Project Key is sealed with another suite")
    if len(sealed.encapsulated_key) != wrap.suite.enc_bytes:
        raise MalformedError("the encapsulated key is not as long as its suite says")
    return ProjectKey(strong_open(wrap, info=place.info, enc=sealed.encapsulated_key, ciphertext=sealed.ciphertext))


def sign_demand(key: SigningKey, place: Place, *, created_ms: int) -> record_pb.SignedRecord:
    """Sign a claimant's demand for the Project Key; kept as it is, it is good for a retry."""
    encoded = CustodyReleaseStatement(
        project_id=place.project, lock_epoch=place.lock_epoch, generation=place.generation, created_ms=created_ms
    ).SerializeToString(deterministic=True)
    made = sign_statement(key, Context.CUSTODY_RELEASE, encoded)
    return record_pb.SignedRecord(statement=encoded, signature=made.signature, key_id=made.key_id)
