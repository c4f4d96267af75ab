"""Owns the compiling of contract trees, the real one and scratch copies of it; judges nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from buf.validate import validate_pb2  # noqa: F401 - options parse only once their extensions are known
from google.api import annotations_pb2, field_behavior_pb2  # noqa: F401 - as above
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from ora.options.v1 import options_pb2  # noqa: F401 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

ROOT: Final = Path(__file__).resolve().parents[2]
BUF: Final = Path(sys.executable).parent / "buf"

Files = descriptor_pb2.FileDescriptorSet
File = descriptor_pb2.FileDescriptorProto
MessageType = descriptor_pb2.DescriptorProto
Field = descriptor_pb2.FieldDescriptorProto
Enum = descriptor_pb2.EnumDescriptorProto
Service = descriptor_pb2.ServiceDescriptorProto
Method = descriptor_pb2.MethodDescriptorProto

SCALARS: Final = frozenset(range(1, 19)) - {Field.TYPE_MESSAGE, Field.TYPE_GROUP, Field.TYPE_ENUM}
OURS: Final = ".ora."


class BufError(Exception):
    """buf found something; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A workspace of contracts: `buf.yaml`, `proto/`, `third_party/`."""

    root: Path

    def copy(self, to: Path) -> Tree:
        """Return a copy that may be changed."""
        shutil.copytree(self.root, to)
        return Tree(to)

    def path(self, name: str) -> Path:
        """Return where a contract file is, by its import name."""
        return self.root / "proto" / name

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the one place in a contract file that reads ``old``."""
        text = self.path(name).read_text()
        assert text.count(old) == 1, f"{name}: {text.count(old)} places read {old!r}"
        self.path(name).write_text(text.replace(old, new))

    def compile(self, *, comments: bool = False) -> Files:
        """Compile the contracts."""
        out = self.root / "image.binpb"
        flags = [] if comments else ["--exclude-source-info"]
        buf(self.root, "build", "--as-file-descriptor-set", *flags, "-o", str(out))
        return Files.FromString(out.read_bytes())

    def check_breaking(self, against: Tree) -> None:
        """Raise ``BufError`` if this tree breaks who was built with ``against``."""
        buf(self.root, "breaking", "--against", str(against.root))


def buf(where: Path, *arguments: str) -> None:
    """Run buf."""
    done = subprocess.run([BUF, *arguments], cwd=where, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BufError(done.stdout + done.stderr)


def make_tree(to: Path, proto: Path, config: Path, third_party: Path) -> Tree:
    """Lay out a workspace in ``to``."""
    to.mkdir(parents=True)
    shutil.copyfile(config, to / "buf.yaml")
    shutil.copytree(proto / "ora", to / "proto" / "ora")
    shutil.copytree(third_party, to / "third_party")
    return Tree(to)


def ours(files: Files) -> Iterator[File]:
    """Yield the files that are Ora's and go over a wire; the rules language does not."""
    return (f for f in files.file if f.package.startswith("ora.") and f.package != "ora.options.v1")


def messages(files: Files) -> Iterator[tuple[str, MessageType]]:
    """Yield every message of ours with its full name, nested ones and no map entries."""

    def walk(scope: str, message: MessageType) -> Iterator[tuple[str, MessageType]]:
        name = f"{scope}.{message.name}"
        if not message.options.map_entry:
            yield name, message
        for nested in message.nested_type:
            yield from walk(name, nested)

    for file in ours(files):
        for message in file.message_type:
            yield from walk(file.package, message)


def enums(files: Files) -> Iterator[tuple[str, Enum]]:
    """Yield every enum of ours with its full name."""
    for file in ours(files):
        yield from ((f"{file.package}.{enum.name}", enum) for enum in file.enum_type)
    for name, message in messages(files):
        yield from ((f"{name}.{enum.name}", enum) for enum in message.enum_type)


def methods(files: Files) -> Iterator[tuple[str, Method]]:
    """Yield every RPC of ours with its full name."""
    for file in ours(files):
        for service in file.service:
            yield from ((f"{file.package}.{service.name}.{method.name}", method) for method in service.method)


def closure(files: Files, *roots: str) -> dict[str, MessageType]:
    """Return every message of ours that can be reached from ``roots``, full names without a leading dot."""
    known = dict(messages(files))
    reached: dict[str, MessageType] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in reached or name not in known:
            continue
        reached[name] = known[name]
        waiting += [field.type_name.removeprefix(".") for field in known[name].field if field.type_name]
    return reached


def service_closure(files: Files, service: str) -> dict[str, MessageType]:
    """Return every message of ours that the RPCs of one service can carry."""
    of_service = [method for name, method in methods(files) if name.rpartition(".")[0] == service]
    assert of_service, f"no service {service}"
    types = [name.removeprefix(".") for method in of_service for name in (method.input_type, method.output_type)]
    return closure(files, *types)


def is_leaf(field: Field) -> bool:
    """Tell whether a field holds a value itself: a scalar, an enum, or a message that is not ours."""
    return field.type in SCALARS or field.type == Field.TYPE_ENUM or not field.type_name.startswith(OURS)


def classes(files: Files) -> dict[str, type[Message]]:
    """Return message classes of their own, apart from those of the generated modules."""
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name, _ in messages(files)}
