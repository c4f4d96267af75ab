"""Owns where Envoy finds keys, certificates and trust: small files that name the real ones.

A change is noticed by rename. Envoy looks for one only in a secret of its own, not where a listener names the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.contract import GATEWAY
from gateway.node import Node, typed

if TYPE_CHECKING:
    from pathlib import Path

EDGE: Final = "edge"
MESH_CA: Final = "mesh-ca"
HUB_CA: Final = "hub-ca"
_TYPE: Final = "envoy.extensions.transport_sockets.tls.v3.Secret"


def files(certificates: Path) -> dict[str, Node]:
    """Return the content of every secret file, by the secret's name."""
    revoked = certificates / "hub-crl.pem"
    crl: Node = {"crl": {"filename": str(revoked)}, "only_verify_leaf_cert_crl": True} if revoked.exists() else {}
    return {
        EDGE: _pair(EDGE, certificates / "edge"),
        GATEWAY: _pair(GATEWAY, certificates / GATEWAY),
        MESH_CA: _trust(MESH_CA, certificates / "mesh-ca.pem", {}),
        HUB_CA: _trust(HUB_CA, certificates / "hub-ca.pem", crl),
    }


def reference(folder: Path, name: str) -> Node:
    """Return what a TLS context says in place of the secret itself."""
    source: Node = {"path": str(path(folder, name)), "watched_directory": {"path": str(folder)}}
    return {"name": name, "sds_config": {"path_config_source": source, "resource_api_version": "V3"}}


def path(folder: Path, name: str) -> Path:
    """Return the file of one secret."""
    return folder / f"{name}.yaml"


def _pair(name: str, folder: Path) -> Node:
    pair: Node = {
        "certificate_chain": {"filename": str(folder / "tls.crt")},
        "private_key": {"filename": str(folder / "tls.key")},
        "watched_directory": {"path": str(folder)},
    }
    return {"resources": [typed(_TYPE, name=name, tls_certificate=pair)]}


def _trust(name: str, bundle: Path, crl: Node) -> Node:
    context: Node = {
        "trusted_ca": {"filename": str(bundle)},
        "watched_directory": {"path": str(bundle.parent)},
        **crl,
    }
    return {"resources": [typed(_TYPE, name=name, validation_context=context)]}
