"""Owns the reduction of the contracts to what a Hub speaks: messages reachable from its surface, enums beside them.

It keeps the rules and drops everything else. `class` is renamed, because C++ may include the header.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from buf.validate import validate_pb2  # noqa: F401 - options parse only once their extensions are known
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from sdk.surface import SURFACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

ROOT: Final = Path(__file__).resolve().parents[3]
BIN: Final = Path(sys.executable).parent
_CONTEXT: Final = re.compile(r"\bcontext `(ora [a-z0-9 ]+)`")
_NESTED: Final = (FieldDescriptorProto.TYPE_MESSAGE, FieldDescriptorProto.TYPE_ENUM)


def compile_contracts(root: Path = ROOT) -> FileDescriptorSet:
    """Compile the workspace below ``root``, comments included."""
    if root == ROOT:
        subprocess.run([sys.executable, "proto/tools/vendor_protos.py", "third_party"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        subprocess.run([BIN / "buf", "build", "--as-file-descriptor-set", "-o", image], cwd=root, check=True)
        return FileDescriptorSet.FromString(image.read_bytes())


def messages(files: Iterable[FileDescriptorProto]) -> dict[str, DescriptorProto]:
    """Return every message of ``files`` by full name. None of ours is nested in another."""
    return {f"{file.package}.{message.name}": message for file in files for message in file.message_type}


def reduced(compiled: FileDescriptorSet, wanted: Iterable[str] | None = None) -> list[FileDescriptorProto]:
    """Return the files that hold what is reachable from ``wanted``, without the rest and without source info."""
    everything = messages(file for file in compiled.file if file.package.startswith("ora."))
    names = _reachable(everything, [each.name for each in SURFACE] if wanted is None else list(wanted))
    kept = []
    for file in compiled.file:
        own = [message for message in file.message_type if f"{file.package}.{message.name}" in names]
        enums = [enum for enum in file.enum_type if f"{file.package}.{enum.name}" in names]
        if own or enums:
            kept.append(_file(file, own, [*file.enum_type] if own else enums))
    present = {file.name for file in kept}
    for file in kept:
        depends = [name for name in file.dependency if name in present]
        del file.dependency[:]
        file.dependency.extend(depends)
    return kept


def contexts(compiled: FileDescriptorSet) -> dict[str, str]:
    """Return the context that each statement's comment names, by the message's full name."""
    found = {}
    for file in compiled.file:
        if not file.package.startswith("ora."):
            continue
        for location in file.source_code_info.location:
            if len(location.path) == 2 and location.path[0] == FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER:  # noqa: PLR2004
                said = _CONTEXT.search(" ".join(location.leading_comments.split()))
                if said:
                    found[f"{file.package}.{file.message_type[location.path[1]].name}"] = said[1]
    return found


def _reachable(everything: dict[str, DescriptorProto], names: list[str]) -> set[str]:
    """Return the full names of messages and enums that ``names`` need, themselves included."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name in found:
            continue
        found.add(name)
        if name in everything:
            names += [field.type_name[1:] for field in everything[name].field if field.type in _NESTED]
    return found


def _file(
    file: FileDescriptorProto, own: list[DescriptorProto], enums: list[EnumDescriptorProto]
) -> FileDescriptorProto:
    made = FileDescriptorProto(name=file.name, package=file.package, syntax=file.syntax, dependency=file.dependency)
    made.message_type.extend(own)
    made.enum_type.extend(enums)
    for message in made.message_type:
        for field in message.field:
            if field.name == "class":
                field.name = "class_"
    return made
