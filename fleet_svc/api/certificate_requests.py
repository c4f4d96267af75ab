"""Owns the strict reading of what a Hub sends for a certificate: the request and the proof over it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import protovalidate
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import DecodeError
from ora.fleet.v1 import certificate_statement_pb2

from fleet_svc.domain.signing import Evidence
from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from ora.common.v1 import signed_record_pb2

    from mesh.ids import HubId


@dataclass(frozen=True, slots=True)
class Request:
    """A certificate request that its own key signed."""

    public_key: ec.EllipticCurvePublicKey
    digest: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """What a Hub says with its device identity key; not verified yet."""

    challenge: bytes
    evidence: Evidence


def read_request(csr_der: bytes) -> Request:
    """Return the request, or refuse: DER, a P-256 key, and signed by that key. Everything else in it is ignored."""
    try:
        asked = x509.load_der_x509_csr(csr_der)
        key, signed = asked.public_key(), asked.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid() from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1) or not signed:
        raise _invalid()
    return Request(key, hashlib.sha256(csr_der).digest())


def read_proof(record: signed_record_pb2.SignedRecord, *, hub_id: HubId, request: Request) -> Proof | None:
    """Return the proof, if it is about this Hub and this request."""
    statement = certificate_statement_pb2.CertificateRequestStatement()
    try:
        statement.ParseFromString(record.statement)
    except DecodeError:
        return None
    canonical = statement.SerializeToString(deterministic=True) == record.statement
    if not canonical or protovalidate.collect_violations(statement):
        return None
    if statement.hub_id != hub_id.bytes or statement.csr_digest != request.digest:
        return None
    evidence = Evidence(statement=record.statement, signature=record.signature, key_id=record.key_id)
    return Proof(statement.challenge, evidence)


def _invalid() -> InvalidArgumentError:
    return InvalidArgumentError.field(
        "csr_der", "a PKCS #10 request for a P-256 key, signed by it, in DER", reason="CSR_INVALID"
    )
