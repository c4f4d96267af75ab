"""Compiles the scratch contract once a process and offers its modules."""

from __future__ import annotations

import atexit
import importlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from grpc_tools import protoc
from ora.options.v1 import options_pb2

_ROOT = Path(__file__).parent
_FILE = "scratch/v1/scratch.proto"


def _compile() -> tuple[Any, Any]:
    out = Path(tempfile.mkdtemp(prefix="ora-scratch-"))
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    known = (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2, validate_pb2, options_pb2)
    files = descriptor_pb2.FileDescriptorSet()
    for module in known:
        module.DESCRIPTOR.CopyToProto(files.file.add())
    (out / "known.binpb").write_bytes(files.SerializeToString())
    arguments = [f"--descriptor_set_in={out / 'known.binpb'}", f"--proto_path={_ROOT}"]
    code = protoc.main(["protoc", *arguments, f"--python_out={out}", f"--grpc_python_out={out}", _FILE])
    if code:
        raise RuntimeError(code)
    sys.path.insert(0, str(out))
    try:
        return importlib.import_module("scratch.v1.scratch_pb2"), importlib.import_module("scratch.v1.scratch_pb2_grpc")
    finally:
        sys.path.remove(str(out))


pb, rpc = _compile()
