"""Owns a stand-in for Terraform's providers: it tells their schemas, finds no fault, and can do nothing else.

It speaks as much of the plugin protocol (version 6) as `terraform validate` asks for. Its messages have numbers, texts
and messages in them and no more, so they are written by hand.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import grpc

from deploy.providers.extract import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.providers.extract import Block

_ADDRESSES: Final = {"aws": "hashicorp/aws", "random": "hashicorp/random", "cloudflare": "cloudflare/cloudflare"}
_PROVIDER: Final = "/tfplugin6.Provider/"
_HEALTH: Final = "/grpc.health.v1.Health/Check"
_SERVING: Final = b"\x08\x01"
_PROTOCOL: Final = 6
_NESTING: Final = {"single": 1, "list": 2, "set": 3, "map": 4}
_SEVEN_BITS: Final = 0x7F
_TEXT: Final = 2


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Stand in for every provider; yield the environment by which Terraform finds them."""
    schemas: dict[str, Any] = json.loads(SCHEMAS.read_text())
    with ExitStack() as stack:
        told = {
            f"registry.terraform.io/{_ADDRESSES[name]}": _found(stack.enter_context(_serving(schema(each))))
            for name, each in schemas.items()
        }
        yield {"TF_REATTACH_PROVIDERS": json.dumps(told)}


def _found(port: int) -> dict[str, Any]:
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    return {"Protocol": "grpc", "ProtocolVersion": _PROTOCOL, "Pid": os.getpid(), "Test": True, "Addr": address}


@contextmanager
def _serving(told: bytes) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_StandIn(told)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


class _StandIn(grpc.GenericRpcHandler):
    """Answers with the schema whoever asks for it, and everybody else with nothing, which is no fault found."""

    def __init__(self, told: bytes) -> None:
        self._answers = {f"{_PROVIDER}GetProviderSchema": told, _HEALTH: _SERVING}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return who answers a method."""
        answer = self._answers.get(details.method, b"" if details.method.startswith(_PROVIDER) else None)
        if answer is None:
            return None
        return grpc.unary_unary_rpc_method_handler(_always(answer))


def _always(answer: bytes) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    return lambda _request, _context: answer


def schema(provider: dict[str, Any]) -> bytes:
    """Return GetProviderSchema.Response: the provider's own schema, those of resources and of data sources."""
    resources = (_field(2, _field(1, name) + _field(2, _schema(each))) for name, each in provider["resources"].items())
    data = (_field(3, _field(1, name) + _field(2, _schema(each))) for name, each in provider["data"].items())
    return _field(1, _schema(provider["provider"])) + b"".join(resources) + b"".join(data)


def _schema(block: Block) -> bytes:
    return _field(2, _block(block))


def _block(block: Block) -> bytes:
    attributes = (_field(2, _attribute(name, *each)) for name, each in block["attributes"].items())
    blocks = (_field(3, _nested(name, each)) for name, each in block["blocks"].items())
    return b"".join(attributes) + b"".join(blocks)


def _attribute(name: str, what: object, marks: str) -> bytes:
    flags = (_field(number, 1) for number, mark in ((4, "r"), (5, "o"), (6, "c")) if mark in marks)
    return _field(1, name) + _field(2, json.dumps(what)) + b"".join(flags)


def _nested(name: str, block: Block) -> bytes:
    bounds = _field(4, block["least"]) + _field(5, block["most"])
    return _field(1, name) + _field(2, _block(block)) + _field(3, _NESTING[block["nesting"]]) + bounds


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    held = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _TEXT) + _varint(len(held)) + held


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > _SEVEN_BITS:
        made.append(value & _SEVEN_BITS | _SEVEN_BITS + 1)
        value >>= 7
    return bytes((*made, value))
