"""Compiles what a Hub sends and receives with betterproto2: proto/ora to hubsim/wire_gen.

Owns the generated tree. `--check` writes nothing and exits 1 when the committed tree is stale. The descriptors are
given to the generator without options: rules, gates and HTTP paths are no business of a Hub's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

ROOT: Final = Path(__file__).resolve().parents[1]
TREE: Final = ROOT / "hubsim" / "wire_gen"
BIN: Final = Path(sys.executable).parent
FILES: Final = (
    "ora/backup/v1/backup_statement.proto",
    "ora/common/v1/capability.proto",
    "ora/common/v1/signed_record.proto",
    "ora/fleet/v1/firmware_statement.proto",
    "ora/fleet/v1/hub_records.proto",
    "ora/fleet/v1/sideload.proto",
    "ora/ingest/v1/support_grant_statement.proto",
    "ora/ingest/v1/telemetry.proto",
    "ora/portal/v1/handover_records.proto",
    "ora/portal/v1/hub_binding_statement.proto",
    "ora/portal/v1/signing_key_statement.proto",
    "ora/relay/v1/envelope.proto",
    "ora/relay/v1/sealed_content.proto",
)
"""What a Hub speaks. Grows with what firmware compiles."""


def descriptors() -> list[FileDescriptorProto]:
    """Compile the contracts; return the Hub's files without options."""
    subprocess.run([sys.executable, "proto/tools/vendor_protos.py", "third_party"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        subprocess.run([BIN / "buf", "build", "--as-file-descriptor-set", "-o", image], cwd=ROOT, check=True)
        files = FileDescriptorSet.FromString(image.read_bytes()).file
    return [without_options(file) for file in files if file.name in FILES]


def without_options(file: FileDescriptorProto) -> FileDescriptorProto:
    """Drop the options of a file and everything in it, and the imports that only they needed."""
    kept = [name for name in file.dependency if name in FILES]
    del file.dependency[:]
    file.dependency.extend(kept)
    file.ClearField("options")
    for message in file.message_type:
        _strip_message(message)
    for enum in file.enum_type:
        _strip_enum(enum)
    return file


def _strip_message(message: DescriptorProto) -> None:
    message.ClearField("options")
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        _strip_message(nested)
    for enum in message.enum_type:
        _strip_enum(enum)


def _strip_enum(enum: EnumDescriptorProto) -> None:
    enum.ClearField("options")
    for value in enum.value:
        value.ClearField("options")


def generate() -> dict[Path, str]:
    """Run the generator; return the text of each file by its path below the tree."""
    request = plugin_pb2.CodeGeneratorRequest(
        file_to_generate=FILES, parameter="client_generation=none", proto_file=descriptors()
    )
    with tempfile.TemporaryDirectory() as elsewhere:  # it formats with ruff, by no project's configuration
        run = subprocess.run(
            [BIN / "protoc-gen-python_betterproto2"],
            input=request.SerializeToString(),
            cwd=elsewhere,
            env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            check=True,
        )
    response = plugin_pb2.CodeGeneratorResponse.FromString(run.stdout)
    return {Path(file.name): file.content for file in response.file}


def main() -> int:
    """Generate, then replace what differs, or only say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the committed tree is stale")
    check = parser.parse_args().check
    made = generate()
    present = {p.relative_to(TREE) for p in TREE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    differing = sorted(
        path
        for path in made.keys() | present
        if path not in made or path not in present or (TREE / path).read_text() != made[path]
    )
    for path in differing:
        print(f"{'stale' if check else 'writes'} hubsim/wire_gen/{path}")
        if check:
            continue
        (TREE / path).parent.mkdir(parents=True, exist_ok=True)
        if path in made:
            (TREE / path).write_text(made[path])
        else:
            (TREE / path).unlink()
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
