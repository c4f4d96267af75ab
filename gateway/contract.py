"""Owns the reading of the descriptor set: which methods the front door serves, and their rules. Knows no Envoy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2
from ora.options.v1 import options_pb2

from gateway import lifecycle
from gateway.lifecycle import Lifecycle
from gateway.templates import Template

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTORS: Final = Path(__file__).with_name("descriptors.binpb")
GATEWAY: Final = "gateway"
HTTP_BODY: Final = ".google.api.HttpBody"
_SERVED: Final = "ora."
_BACKUP: Final = "ora.backup."


class ContractError(Exception):
    """The contract asks for something that the front door cannot serve."""


class Door(StrEnum):
    """A listener; each knows its callers in its own way."""

    APP = "app"
    HUB = "hub"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One REST address of a method."""

    verb: str
    template: Template
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One RPC that the front door serves."""

    service: str
    name: str
    input: str
    output: str
    streams_in: bool
    streams_out: bool
    bindings: tuple[Binding, ...]
    policy: options_pb2.MethodPolicy
    # None: it stays.
    lifecycle: Lifecycle | None = None

    @property
    def full_name(self) -> str:
        """Return ``package.Service.Method``."""
        return f"{self.service}.{self.name}"

    @property
    def workload(self) -> str:
        """Return the workload that implements it: the area of ``ora.<area>.v1``."""
        return self.service.split(".")[1]

    @property
    def doors(self) -> frozenset[Door]:
        """Return the listeners it is served on, by the subject of its policy."""
        match self.policy.subject:
            case options_pb2.SUBJECT_PERSON:
                return frozenset({Door.APP})
            case options_pb2.SUBJECT_HUB:
                return frozenset({Door.HUB})
            case options_pb2.SUBJECT_PERSON_OR_HUB:
                return frozenset({Door.APP, Door.HUB})
            case options_pb2.SUBJECT_ANONYMOUS:
                return frozenset({Door.BACKUP if self.service.startswith(_BACKUP) else Door.APP})
            case _:
                raise ContractError(f"{self.full_name}: served over HTTP, but for no person, Hub or anonymous caller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Everything the generator reads from the descriptors."""

    methods: tuple[Method, ...]
    messages: dict[str, descriptor_pb2.DescriptorProto]


def load(path: Path = DESCRIPTORS) -> Contract:
    """Read the descriptor set at ``path``."""
    return parse(descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()))


def parse(files: descriptor_pb2.FileDescriptorSet) -> Contract:
    """Read a descriptor set."""
    messages = {
        name: message
        for file in files.file
        for top in file.message_type
        for name, message in _walk(f".{file.package}", top)
    }
    return Contract(methods=tuple(_methods(files)), messages=messages)


def _walk(scope: str, message: descriptor_pb2.DescriptorProto) -> Iterator[tuple[str, descriptor_pb2.DescriptorProto]]:
    name = f"{scope}.{message.name}"
    yield name, message
    for nested in message.nested_type:
        yield from _walk(name, nested)


def _methods(files: descriptor_pb2.FileDescriptorSet) -> Iterator[Method]:
    for file in files.file:
        if not file.package.startswith(_SERVED):
            continue
        for service in file.service:
            for method in service.method:
                if method.options.HasExtension(annotations_pb2.http):
                    yield _method(f"{file.package}.{service.name}", method)


def _method(service: str, method: descriptor_pb2.MethodDescriptorProto) -> Method:
    policy = method.options.Extensions[options_pb2.policy]
    if GATEWAY not in policy.callers:
        raise ContractError(f"{service}.{method.name}: has an HTTP rule, but its policy does not let the gateway call")
    rule = method.options.Extensions[annotations_pb2.http]
    return Method(
        service=service,
        name=method.name,
        input=method.input_type,
        output=method.output_type,
        streams_in=method.client_streaming,
        streams_out=method.server_streaming,
        bindings=tuple(_binding(each) for each in (rule, *rule.additional_bindings)),
        policy=policy,
        lifecycle=_lifecycle(f"{service}.{method.name}", method.options),
    )


def _lifecycle(name: str, given: descriptor_pb2.MethodOptions) -> Lifecycle | None:
    if given.deprecated != given.HasExtension(options_pb2.lifecycle):
        raise ContractError(f"{name}: `deprecated` and `lifecycle` stand together")
    if not given.deprecated:
        return None
    try:
        return lifecycle.parse(given.Extensions[options_pb2.lifecycle])
    except ValueError as error:
        raise ContractError(f"{name}: lifecycle: {error}") from None


def _binding(rule: annotations_pb2.google_dot_api_dot_http__pb2.HttpRule) -> Binding:
    verb = rule.WhichOneof("pattern")
    if verb is None or verb == "custom":
        raise ContractError(f"an HTTP rule has {verb or 'no'} verb")
    return Binding(verb=verb.upper(), template=Template.parse(getattr(rule, verb)), body=rule.body)
