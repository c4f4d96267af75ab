"""Makes proto/firmware/gen and its options: `python -m proto.tools.firmware`; `--check` only says what is stale."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.protobuf.compiler import plugin_pb2

from proto.tools.firmware import tables
from proto.tools.firmware.descriptors import BIN, ROOT, compile_contracts, contexts, messages, reduced
from proto.tools.firmware.options import options_of

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

FOLDER: Final = ROOT / "proto" / "firmware"
_GENERATED: Final = ("gen", "options")


def generate(compiled: FileDescriptorSet) -> dict[Path, str]:
    """Return every generated file by its path below proto/firmware."""
    files = reduced(compiled)
    known, enums = messages(files), tables.enums_of(files)
    said = contexts(compiled)
    made = {_path("options", file, ".options"): options_of(file, known, enums) for file in files}
    made[Path("gen/ora_contract.h")] = tables.header(files, said)
    made[Path("gen/ora_contract.c")] = tables.source(files, said)
    made[Path("gen/sizes.tsv")] = tables.sizes(files)
    for file in files:
        for message in file.message_type:
            for field in message.field:
                field.ClearField("options")
    return made | _nanopb(files, made)


def _nanopb(files: list[FileDescriptorProto], made: dict[Path, str]) -> dict[Path, str]:
    """Run nanopb's generator; its options come from a scratch copy of what was just made."""
    with tempfile.TemporaryDirectory() as scratch:
        for path, text in made.items():
            if path.parts[0] == "options":
                written = Path(scratch).joinpath(*path.parts[1:])
                written.parent.mkdir(parents=True, exist_ok=True)
                written.write_text(text)
        request = plugin_pb2.CodeGeneratorRequest(
            file_to_generate=[file.name for file in files],
            parameter=f"-I{scratch},-q,--error-on-unmatched",
            proto_file=files,
        )
        run = subprocess.run(
            [BIN / "protoc-gen-nanopb"], input=request.SerializeToString(), capture_output=True, check=True
        )
    response = plugin_pb2.CodeGeneratorResponse.FromString(run.stdout)
    return {Path("gen") / file.name: file.content for file in response.file}


def _path(folder: str, file: FileDescriptorProto, suffix: str) -> Path:
    return Path(folder) / file.name.replace(".proto", suffix)


def main() -> int:
    """Generate, then replace what differs, or only say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    check = parser.parse_args().check
    made = generate(compile_contracts())
    present = {p.relative_to(FOLDER) for name in _GENERATED for p in (FOLDER / name).rglob("*") if p.is_file()}
    differing = sorted(
        path
        for path in made.keys() | present
        if path not in made or path not in present or (FOLDER / path).read_text() != made[path]
    )
    for path in differing:
        print(f"{'stale' if check else 'writes'} proto/firmware/{path}")
        if check:
            continue
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        if path in made:
            (FOLDER / path).write_text(made[path])
        else:
            (FOLDER / path).unlink()
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
