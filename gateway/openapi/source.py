"""Owns reading the contracts with their comments. The committed descriptor set has none: Envoy needs none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.protobuf import descriptor_pb2

from gateway import contract

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
_BUF: Final = Path(sys.executable).parent / "buf"
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6  # field numbers in FileDescriptorProto, of which comment paths are made
_FIELD, _NESTED, _INNER_ENUM, _VALUE, _METHOD = 2, 3, 4, 2, 2


@dataclass(frozen=True, slots=True)
class Source:
    """The contract, its enums, and what is said about each part, by full name."""

    contract: contract.Contract
    enums: dict[str, descriptor_pb2.EnumDescriptorProto]
    comments: dict[str, str]


def build() -> Source:
    """Compile the contracts and read them."""
    subprocess.run([sys.executable, "proto/tools/vendor_protos.py", "third_party"], cwd=ROOT, check=True)
    output = ["--as-file-descriptor-set", "-o", "-#format=binpb"]
    built = subprocess.run([_BUF, "build", *output], cwd=ROOT, check=True, capture_output=True)
    return parse(descriptor_pb2.FileDescriptorSet.FromString(built.stdout))


def parse(files: descriptor_pb2.FileDescriptorSet) -> Source:
    """Read a descriptor set that has source information."""
    enums: dict[str, descriptor_pb2.EnumDescriptorProto] = {}
    comments: dict[str, str] = {}
    for file in files.file:
        texts = {tuple(each.path): each.leading_comments for each in file.source_code_info.location}
        for name, path in _names(file, enums):
            comments[name] = " ".join(texts.get(path, "").split())
    return Source(contract.parse(files), enums, comments)


def _names(
    file: descriptor_pb2.FileDescriptorProto, enums: dict[str, descriptor_pb2.EnumDescriptorProto]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    scope = f".{file.package}"
    for i, message in enumerate(file.message_type):
        yield from _message(scope, message, (_MESSAGE, i), enums)
    for i, enum in enumerate(file.enum_type):
        yield from _enum(scope, enum, (_ENUM, i), enums)
    for i, service in enumerate(file.service):
        yield f"{scope}.{service.name}", (_SERVICE, i)
        for j, method in enumerate(service.method):
            yield f"{scope}.{service.name}.{method.name}", (_SERVICE, i, _METHOD, j)


def _message(
    scope: str,
    message: descriptor_pb2.DescriptorProto,
    path: tuple[int, ...],
    enums: dict[str, descriptor_pb2.EnumDescriptorProto],
) -> Iterator[tuple[str, tuple[int, ...]]]:
    name = f"{scope}.{message.name}"
    yield name, path
    for i, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*path, _FIELD, i)
    for i, nested in enumerate(message.nested_type):
        yield from _message(name, nested, (*path, _NESTED, i), enums)
    for i, enum in enumerate(message.enum_type):
        yield from _enum(name, enum, (*path, _INNER_ENUM, i), enums)


def _enum(
    scope: str,
    enum: descriptor_pb2.EnumDescriptorProto,
    path: tuple[int, ...],
    enums: dict[str, descriptor_pb2.EnumDescriptorProto],
) -> Iterator[tuple[str, tuple[int, ...]]]:
    name = f"{scope}.{enum.name}"
    enums[name] = enum
    yield name, path
    for i, value in enumerate(enum.value):
        yield f"{name}.{value.name}", (*path, _VALUE, i)
