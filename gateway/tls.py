"""Owns what TLS the gateway speaks, outside and inside. Certificates come from files and are read again on rename."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.contract import GATEWAY, Door
from gateway.node import Node, typed

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.values import Issuer

_TLS: Final = "envoy.extensions.transport_sockets.tls.v3."
_ONLY_1_3: Final[Node] = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
HUB_SAN: Final = f"urn:uuid:{_UUID}"


def door(certificates: Path, which: Door) -> Node:
    """Return the transport socket of one listener."""
    common: Node = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": _ONLY_1_3,
        "tls_certificates": [_pair(certificates / "edge")],
    }
    if which is Door.HUB:
        common["validation_context"] = _hubs(certificates)
    config = typed(
        _TLS + "DownstreamTlsContext",
        common_tls_context=common,
        require_client_certificate=which is Door.HUB,
        # A resumed session would not look at the certificate, or at its revocation, again.
        disable_stateless_session_resumption=True,
        disable_stateful_session_resumption=True,
    )
    return {"name": "tls", "typed_config": config}


def mesh(certificates: Path, workload: str) -> Node:
    """Return the transport socket towards one workload: our certificate, and its SPIFFE id and no other."""
    validation: Node = {
        "trusted_ca": {"filename": str(certificates / "mesh-ca.pem")},
        "watched_directory": {"path": str(certificates)},
        "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": f"spiffe://ora/{workload}"}}],
    }
    config = typed(
        _TLS + "UpstreamTlsContext",
        sni=workload,
        common_tls_context={
            "alpn_protocols": ["h2"],
            "tls_params": _ONLY_1_3,
            "tls_certificates": [_pair(certificates / GATEWAY)],
            "validation_context": validation,
        },
    )
    return {"name": "tls", "typed_config": config}


def issuer(whose: Issuer) -> Node:
    """Return the transport socket towards an issuer of tokens: its name, by its CA."""
    host = whose.address.host
    kind = "IP_ADDRESS" if whose.address.is_ip else "DNS"
    validation: Node = {
        "trusted_ca": {"filename": str(whose.ca_file)},
        "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": host}}],
    }
    sni: Node = {} if whose.address.is_ip else {"sni": host}
    common: Node = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
        "validation_context": validation,
    }
    return {"name": "tls", "typed_config": typed(_TLS + "UpstreamTlsContext", common_tls_context=common, **sni)}


def _pair(folder: Path) -> Node:
    return {
        "certificate_chain": {"filename": str(folder / "tls.crt")},
        "private_key": {"filename": str(folder / "tls.key")},
        "watched_directory": {"path": str(folder)},
    }


def _hubs(certificates: Path) -> Node:
    validation: Node = {
        "trusted_ca": {"filename": str(certificates / "hub-ca.pem")},
        "watched_directory": {"path": str(certificates)},
        "match_typed_subject_alt_names": [
            {"san_type": "URI", "matcher": {"safe_regex": {"regex": HUB_SAN}}},
        ],
        "max_verify_depth": 3,
    }
    revoked = certificates / "hub-crl.pem"
    if revoked.exists():
        validation |= {"crl": {"filename": str(revoked)}, "only_verify_leaf_cert_crl": True}
    return validation
