"""Signers for the tests: an Ed25519 key and the evidence it gives."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleet_svc.domain.signing import Evidence, key_id_of


class Signer:
    """One Ed25519 key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public_key)

    def sign(self, statement: bytes, context: bytes) -> Evidence:
        """Return the evidence for ``statement`` in ``context``."""
        signature = self._key.sign(context + b"\x00" + statement)
        return Evidence(statement=statement, signature=signature, key_id=self.key_id)
