"""Owns a Hub's part in its handover: which lock and AccessKey it believes, whose claim it takes, and its receipt.

Everything arrives on the local network or over the Hub's own door; a record says the same wherever it comes from. The
Hub believes the portal's keys by the offline root it was built with, and the AccessKey by the installer's app on the
LAN. What it keeps of the handover is a file beside its keys, so a power cut changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hubsim import store
from hubsim.wire import ID_BYTES, UNREADABLE, write_record
from hubsim.wire_gen.ora.common.v1 import SignedRecord
from hubsim.wire_gen.ora.portal.v1 import (
    AccessKeyClaimStatement,
    ClaimGrantStatement,
    HandoverReceiptStatement,
    HubBindingAction,
    HubBindingStatement,
    LockNoticeStatement,
    SigningKeyPurpose,
    SigningKeyStatement,
)
from sdk.errors import MalformedError, RecordSignatureError, WrongHeaderError
from sdk.key_files import read_document, write_secret
from sdk.keys import key_id, verifies
from sdk.statements import Context, Signature, check_statement, sign_statement, signed_message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

S = TypeVar(
    "S", LockNoticeStatement, ClaimGrantStatement, AccessKeyClaimStatement, SigningKeyStatement, HubBindingStatement
)

STATE: Final = "handover.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a Hub remembers of its project: the highest lock that it has seen, and the AccessKey that opens it."""

    project_id: str = ""
    lock_epoch: int = 0
    generation: int = 0
    auth_public_key: str = ""
    receipt: str = ""
    portal_keys: dict[str, str] = field(default_factory=dict)
    """The portal's keys for handovers, by key id, in hex: those that the root vouches for."""


class HandoverRefusedError(Exception):
    """The Hub does not take what it was given; the text says why."""


class HubHandover:
    """One Hub's handover, in its folder."""

    def __init__(self, folder: Path, root_public: bytes) -> None:
        self._folder, self._root = folder, root_public

    @property
    def lock(self) -> Lock:
        """What is remembered."""
        path = self._folder / STATE
        return read_document(path, lambda document: Lock(**document)) if path.exists() else Lock()

    def bind(self, project_id: bytes, nonce: bytes) -> bytes:
        """Join a project, as the installer's app asks on the LAN; return the encoded SignedRecord for the portal."""
        keys = store.load(self._folder).keys
        statement = bytes(
            HubBindingStatement(
                hub_id=keys.hub_id,
                project_id=project_id,
                nonce=nonce,
                action=HubBindingAction.BIND,
                owner_epoch=keys.owner_epoch,
            )
        )
        self._keep(project_id=project_id.hex(), generation=0, auth_public_key="", receipt="")
        return write_record(statement, sign_statement(keys.identity, Context.HUB_BINDING, statement))

    def learn_keys(self, records: Iterable[bytes]) -> int:
        """Take the portal's keys for handovers that the root signed; return how many are known now."""
        known = dict(self.lock.portal_keys)
        for encoded in records:
            record = _record(encoded)
            try:
                _check(self._root, Context.SIGNING_KEY, record)
            except RecordSignatureError:
                continue
            said = _read(SigningKeyStatement, record.statement)
            if said.purpose is SigningKeyPurpose.HANDOVER:
                known[key_id(said.public_key).hex()] = said.public_key.hex()
        self._keep(portal_keys=known)
        return len(known)

    def take_notice(self, encoded: bytes, auth_public_key: bytes) -> Lock:
        """Lock, by the portal's word and the installer's: both name the same AccessKey.

        Raises:
            HandoverRefusedError: an older lock, another project, or another AccessKey than the installer's app has.
            RecordSignatureError: it is not the portal's.
        """
        lock, said = self.lock, _read(LockNoticeStatement, self._of_portal(encoded, Context.LOCK_NOTICE))
        hub_id = store.load(self._folder).keys.hub_id
        if (said.hub_id, said.project_id.hex()) != (hub_id, lock.project_id):
            raise HandoverRefusedError("the notice is for another Hub or project")
        if said.auth_public_key != auth_public_key:
            raise HandoverRefusedError("the portal names another AccessKey than the installer")
        if (said.lock_epoch, said.generation) == (lock.lock_epoch, lock.generation):
            return lock
        if (said.lock_epoch, said.generation) < (lock.lock_epoch, lock.generation):
            raise HandoverRefusedError("the notice is of an older lock")
        return self._keep(
            lock_epoch=said.lock_epoch, generation=said.generation, auth_public_key=auth_public_key.hex(), receipt=""
        )

    def take_claim(self, claim: bytes, claimant_signature: bytes, grant: bytes) -> bytes:
        """Take a new owner: return the receipt, an encoded SignedRecord; the same claim again has the same one.

        Raises:
            HandoverRefusedError: no lock, another AccessKey or generation, or the grant is for another claim.
            RecordSignatureError: a signature is not by whom it should be.
        """
        lock, record = self.lock, _record(claim)
        if not lock.auth_public_key:
            raise HandoverRefusedError("the Hub is not locked for a handover")
        _check(bytes.fromhex(lock.auth_public_key), Context.ACCESS_KEY_CLAIM, record)
        said = _read(AccessKeyClaimStatement, record.statement)
        message = signed_message(Context.ACCESS_KEY_CLAIMANT, record.statement)
        if not verifies(said.claimant_public_key, claimant_signature, message):
            raise RecordSignatureError("the claim is not signed by its claimant")
        granted = _read(ClaimGrantStatement, self._of_portal(grant, Context.CLAIM_GRANT))
        digest = hashlib.sha256(record.statement).digest()
        keys = store.load(self._folder).keys
        wanted = (keys.hub_id, lock.project_id, lock.lock_epoch, lock.generation, digest)
        given = (granted.hub_id, granted.project_id.hex(), granted.lock_epoch, said.generation, granted.claim_digest)
        if given != wanted or granted.generation != said.generation:
            raise HandoverRefusedError("the claim is not the one that the portal has bound")
        return bytes.fromhex(lock.receipt) if lock.receipt else self._receipt(lock, said, digest)

    def _receipt(self, lock: Lock, said: AccessKeyClaimStatement, digest: bytes) -> bytes:
        # A handover is a factory reset as to trust: a new owner key, nobody paired, the cloud off.
        state = store.factory_reset(store.load(self._folder))
        statement = bytes(
            HandoverReceiptStatement(
                hub_id=state.keys.hub_id,
                project_id=bytes.fromhex(lock.project_id),
                lock_epoch=lock.lock_epoch,
                generation=lock.generation,
                claimant_public_key=said.claimant_public_key,
                claim_digest=digest,
                owner_epoch=state.keys.owner_epoch,
                owner_public_key=state.keys.owner.public(),
                receipt_id=secrets.token_bytes(ID_BYTES),
            )
        )
        receipt = write_record(statement, sign_statement(state.keys.identity, Context.HANDOVER_RECEIPT, statement))
        # The keys first: a Hub that dies in between makes one more owner epoch, never a receipt without its key.
        store.save(self._folder, state)
        self._keep(receipt=receipt.hex())
        return receipt

    def _of_portal(self, encoded: bytes, context: Context) -> bytes:
        record = _record(encoded)
        known = self.lock.portal_keys.get(record.key_id.hex())
        if known is None:
            raise RecordSignatureError("the Hub knows no such key of the portal")
        _check(bytes.fromhex(known), context, record)
        return record.statement

    def _keep(self, **changes: Any) -> Lock:
        kept = Lock(**{**asdict(self.lock), **changes})
        write_secret(self._folder / STATE, asdict(kept))
        return kept


def to_json(encoded: bytes) -> dict[str, str]:
    """Return an encoded SignedRecord as the gateway's JSON."""
    record = _record(encoded)
    parts = {"statement": record.statement, "signature": record.signature, "keyId": record.key_id}
    return {name: base64.b64encode(part).decode() for name, part in parts.items()}


def _record(encoded: bytes) -> SignedRecord:
    try:
        return SignedRecord.parse(encoded)
    except UNREADABLE:
        raise MalformedError("no SignedRecord") from None


def _check(public: bytes, context: Context, record: SignedRecord) -> None:
    check_statement(public, context, record.statement, Signature(signature=record.signature, key_id=record.key_id))


def _read(kind: type[S], encoded: bytes) -> S:
    try:
        read = kind.parse(encoded)
    except UNREADABLE:
        raise MalformedError(f"no {kind.__name__}") from None
    for name in ("hub_id", "project_id"):
        value = getattr(read, name, bytes(ID_BYTES))
        if not isinstance(value, bytes) or len(value) != ID_BYTES:
            raise WrongHeaderError(f"{name} is no id")
    return read
