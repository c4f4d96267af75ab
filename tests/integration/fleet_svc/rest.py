"""The gateway's Hub listener without a gateway: REST to gRPC by the contract's own annotations, one Hub a client.

Envoy itself is in tests/e2e; here many Hubs are wanted for little.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import grpc
import httpx
from google.api import annotations_pb2
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import json_format, message_factory
from google.rpc.code_pb2 import Code
from ora.fleet.v1 import (
    certificate_service_pb2,
    firmware_artefact_service_pb2,
    firmware_metadata_service_pb2,
    firmware_update_service_pb2,
)

from mesh.channel import reason_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

    from tests.integration.fleet_svc.node import Node

_FILES: Final = (
    certificate_service_pb2,
    firmware_artefact_service_pb2,
    firmware_metadata_service_pb2,
    firmware_update_service_pb2,
)
_STATUS: Final = {
    Code.NOT_FOUND: 404,
    Code.FAILED_PRECONDITION: 400,
    Code.PERMISSION_DENIED: 403,
    Code.UNAVAILABLE: 503,
}


def _routes() -> list[tuple[str, re.Pattern[str], MethodDescriptor]]:
    found = []
    for file in _FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                rule = method.GetOptions().Extensions[annotations_pb2.http]
                verb = rule.WhichOneof("pattern")
                if verb:
                    parts = re.split(r"\{(\w+)(?:=([^}]*))?\}", getattr(rule, verb))
                    pattern = ""
                    for at in range(0, len(parts) - 2, 3):
                        inner = (parts[at + 2] or "*").replace("*", "[^/:]+")
                        pattern += f"{re.escape(parts[at])}(?P<{parts[at + 1]}>{inner})"
                    found.append((verb.upper(), re.compile(pattern + re.escape(parts[-1])), method))
    return found


class HubListener(httpx.AsyncBaseTransport):
    """What one Hub reaches."""

    routes: Final = _routes()

    def __init__(self, node: Node, hub: str, *, fingerprint: bytes = b"") -> None:
        shown = f"Hash={fingerprint.hex()};" if fingerprint else ""
        self._node, self._metadata = node, (("x-forwarded-client-cert", f"{shown}URI=urn:uuid:{hub}"),)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for verb, pattern, method in self.routes:
            match = pattern.fullmatch(request.url.path)
            if match and verb == request.method:
                fields: dict[str, Any] = dict(parse_qsl(request.url.query.decode()))
                body = await request.aread()
                if body:
                    fields |= dict(httpx.Response(200, content=body).json())
                return await self._call(method, {**fields, **match.groupdict()})
        return httpx.Response(404)

    async def _call(self, method: MethodDescriptor, fields: dict[str, Any]) -> httpx.Response:
        path = f"/{method.containing_service.full_name}/{method.name}"
        request = json_format.ParseDict(fields, message_factory.GetMessageClass(method.input_type)())
        answer_class = message_factory.GetMessageClass(method.output_type)
        channel = self._node.channel("gateway")
        kinds = (type(request).SerializeToString, answer_class.FromString)
        try:
            if method.server_streaming:
                stream = channel.unary_stream(path, *kinds)(request, metadata=self._metadata)
                return httpx.Response(200, content=b"".join([each.data async for each in stream]))
            answer = await channel.unary_unary(path, *kinds)(request, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            status = _STATUS.get(error.code().value[0], 500)
            return httpx.Response(status, json={"reason": reason_of(error)})
        if isinstance(answer, HttpBody):
            return httpx.Response(200, content=answer.data)
        return httpx.Response(200, json=json_format.MessageToDict(answer))
