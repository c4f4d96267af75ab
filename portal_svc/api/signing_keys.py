"""Owns SigningKeyService: the portal's keys, for anybody who checks what it signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ora.portal.v1 import signing_key_service_pb2 as pb
from ora.portal.v1 import signing_key_service_pb2_grpc as rpc
from ora.portal.v1.signing_key_pb2 import SigningKey
from ora.portal.v1.signing_key_statement_pb2 import SigningKeyPurpose

from portal_svc.api import pages

if TYPE_CHECKING:
    from portal_svc.api.desk import Desk
    from portal_svc.signer import Known


class SigningKeyService(rpc.SigningKeyServiceServicer):
    """The portal's keys, current and past. Who checks with them asks the root's signature, not us."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ListSigningKeys(self, request: pb.ListSigningKeysRequest, context: Any) -> pb.ListSigningKeysResponse:
        """Return one page of keys, newest first."""
        del context
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        wanted = SigningKeyPurpose.Name(request.purpose).removeprefix("SIGNING_KEY_PURPOSE_")
        known = [each for each in self._desk.signer.known if not request.purpose or each.purpose == wanted]
        start = int(cursor[0]) if cursor else 0
        found = known[start : start + size + 1]
        return pb.ListSigningKeysResponse(
            signing_keys=map(_to_proto, found[:size]),
            next_page_token=pages.token(self._desk, request, found, start + size),
        )


def _to_proto(known: Known) -> SigningKey:
    return SigningKey(name=f"signingKeys/{known.key_id.hex()}", record=known.record, withdrawn=known.withdrawn)
