"""Owns what TLS the gateway speaks, outside and inside, and which names it believes. Knows no file of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway import secrets
from gateway.contract import GATEWAY, Door
from gateway.node import Node, typed

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.values import Issuer

_TLS: Final = "envoy.extensions.transport_sockets.tls.v3."
_ONLY_1_3: Final[Node] = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
_HUB: Final[Node] = {
    "san_type": "URI",
    "matcher": {"safe_regex": {"regex": "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"}},
}


def door(folder: Path, which: Door) -> Node:
    """Return the transport socket of one listener; ``folder`` has the secrets."""
    common: Node = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": _ONLY_1_3,
        "tls_certificate_sds_secret_configs": [secrets.reference(folder, secrets.EDGE)],
    }
    if which is Door.HUB:
        common["combined_validation_context"] = _trust(folder, secrets.HUB_CA, _HUB)
    config = typed(
        _TLS + "DownstreamTlsContext",
        common_tls_context=common,
        require_client_certificate=which is Door.HUB,
        # A resumed session would not look at the certificate, or at its revocation, again.
        disable_stateless_session_resumption=True,
        disable_stateful_session_resumption=True,
    )
    return {"name": "tls", "typed_config": config}


def mesh(folder: Path, workload: str) -> Node:
    """Return the transport socket towards one workload: our certificate, and its SPIFFE id and no other."""
    spiffe: Node = {"san_type": "URI", "matcher": {"exact": f"spiffe://ora/{workload}"}}
    common: Node = {
        "alpn_protocols": ["h2"],
        "tls_params": _ONLY_1_3,
        "tls_certificate_sds_secret_configs": [secrets.reference(folder, GATEWAY)],
        "combined_validation_context": _trust(folder, secrets.MESH_CA, spiffe),
    }
    config = typed(_TLS + "UpstreamTlsContext", sni=workload, common_tls_context=common)
    return {"name": "tls", "typed_config": config}


def issuer(whose: Issuer) -> Node:
    """Return the transport socket towards an issuer of tokens: its name, by its CA."""
    address = whose.address
    validation: Node = {
        "trusted_ca": {"filename": str(whose.ca_file)},
        "match_typed_subject_alt_names": [
            {"san_type": "IP_ADDRESS" if address.is_ip else "DNS", "matcher": {"exact": address.host}}
        ],
    }
    common: Node = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
        "validation_context": validation,
    }
    sni: Node = {} if address.is_ip else {"sni": address.host}
    return {"name": "tls", "typed_config": typed(_TLS + "UpstreamTlsContext", common_tls_context=common, **sni)}


def _trust(folder: Path, authority: str, name: Node) -> Node:
    return {
        "default_validation_context": {"match_typed_subject_alt_names": [name], "max_verify_depth": 3},
        "validation_context_sds_secret_config": secrets.reference(folder, authority),
    }
