"""Owns the contract's view of authorities and of trust bundles: names, states, and the reading of a signed bundle."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.fleet.v1 import certificate_authority_pb2 as pb
from ora.fleet.v1.certificate_statement_pb2 import TrustBundleStatement, TrustPurpose

from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.certificate_authority import CertificateAuthority, Kind, State
from fleet_svc.store.trust_bundles import TrustBundle
from mesh import signing
from mesh.errors import InvalidArgumentError, UnavailableError
from mesh.resource_names import ResourceName

if TYPE_CHECKING:
    from uuid import UUID

_NAME: Final = ResourceName("certificateAuthorities/{certificate_authority}")
_STATES: Final = {each: pb.CertificateAuthority.State.Value(f"STATE_{each}") for each in State}
_KINDS: Final = {each: pb.CertificateAuthority.Kind.Value(f"KIND_{each}") for each in Kind}
TRUST_BUNDLE_CONTEXT: Final = b"ora trust bundle v1"


def parse_authority_name(name: str, *, field: str = "name") -> UUID:
    """Return the authority that ``name`` names."""
    return _NAME.parse_one(name, field=field)


def authority_name(authority_id: UUID) -> str:
    """Return the resource name of an authority."""
    return _NAME.format(authority_id)


def to_proto(authority: CertificateAuthority) -> pb.CertificateAuthority:
    """Return the authority as the contract shows it."""
    own = authority.installed
    return pb.CertificateAuthority(
        name=authority_name(authority.authority_id),
        kind=_KINDS[authority.kind],
        state=_STATES[authority.state],
        certificate_der=own.certificate_der if own else b"",
        csr_der=authority.csr_der,
        cross_certificates_der=own.cross_certificates_der if own else (),
        not_before_time=to_timestamp(own.not_before) if own else None,
        not_after_time=to_timestamp(own.not_after) if own else None,
        update_time=to_timestamp(authority.update_time),
        etag=authority.etag,
    )


def purpose_name(purpose: TrustPurpose.ValueType) -> str:
    """Return a purpose as the database holds it."""
    return TrustPurpose.Name(purpose).removeprefix("TRUST_PURPOSE_")


def read_bundle(bundle: pb.TrustBundle, *, trust_key: bytes | None) -> TrustBundle:
    """Return a bundle that says what the offline trust key signed, or refuse."""
    if trust_key is None:
        raise UnavailableError("the trust key is not known here", reason="TRUST_KEY_UNKNOWN")
    record = bundle.statement
    known = record.key_id == signing.key_id_of(trust_key)
    if not known or not signing.is_signed_by(trust_key, TRUST_BUNDLE_CONTEXT, record.statement, record.signature):
        raise _refused("trust_bundle.statement", "the offline trust key did not sign it")
    try:
        said = signing.read(record.statement, TrustBundleStatement)
    except signing.StatementError as error:
        raise _refused("trust_bundle.statement", str(error)) from None
    digests = [hashlib.sha256(each).digest() for each in bundle.anchors_der]
    if (said.purpose, said.version, list(said.anchor_fingerprints)) != (bundle.purpose, bundle.version, digests):
        raise _refused("trust_bundle", "it is not what the statement says")
    return TrustBundle(bundle.version, tuple(bundle.anchors_der), record.statement, record.signature, record.key_id)


def bundle_to_proto(purpose: TrustPurpose.ValueType, bundle: TrustBundle) -> pb.TrustBundle:
    """Return a bundle as the contract shows it."""
    record = SignedRecord(statement=bundle.statement, signature=bundle.signature, key_id=bundle.key_id)
    return pb.TrustBundle(purpose=purpose, version=bundle.version, anchors_der=bundle.anchors_der, statement=record)


def _refused(field: str, why: str) -> InvalidArgumentError:
    return InvalidArgumentError.field(field, why, reason="TRUST_BUNDLE_INVALID")
