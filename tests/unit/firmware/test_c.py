"""The C for Hubs: built as a product would, run on every vector under sanitizers, and fresh from the contracts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.unit.firmware.running import FIRMWARE, run

GOLDEN = FIRMWARE.parent / "golden"

pytestmark = [pytest.mark.debian("libnanopb-dev"), pytest.mark.debian("libssl-dev")]


def test_the_c_passes_its_tests_and_every_vector(build: Path) -> None:
    said = run(build / "checked" / "check_vectors", GOLDEN)
    assert said.returncode == 0, said.stderr
    checked, skipped = (int(said.stdout.split(word)[0].split()[-1]) for word in (" vectors checked", " not in this"))
    vectors = len(list(GOLDEN.glob("*/*.json")))
    assert checked + skipped == vectors
    assert checked >= 400


@pytest.mark.parametrize(
    ("name", "at"),
    [("message/consent_statement_most", 0), ("record/lock_notice", 20), ("envelope/small_up", 200)],
)
def test_a_vector_that_says_something_else_is_found(build: Path, tmp_path: Path, name: str, at: int) -> None:
    lines = [line for line in (GOLDEN / "index.tsv").read_text().splitlines() if line.startswith(f"{name}\t")]
    (tmp_path / "index.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / name).parent.mkdir()
    for path in (GOLDEN / name).parent.glob(f"{Path(name).name}.*"):
        shutil.copy(path, (tmp_path / name).parent)
    assert run(build / "checked" / "check_vectors", tmp_path).returncode == 0
    spoilt = bytearray((tmp_path / f"{name}.bin").read_bytes())
    spoilt[at] ^= 0x10
    (tmp_path / f"{name}.bin").write_bytes(spoilt)
    said = run(build / "checked" / "check_vectors", tmp_path)
    assert said.returncode == 1
    assert name in said.stderr


def test_a_folder_without_vectors_is_no_success(build: Path, tmp_path: Path) -> None:
    (tmp_path / "index.tsv").write_text("# nothing\n")
    assert run(build / "checked" / "check_vectors", tmp_path).returncode == 1


def test_the_committed_c_is_what_the_contracts_make() -> None:
    said = run(sys.executable, "-m", "proto.tools.firmware", "--check")
    assert (said.returncode, said.stdout) == (0, "")


def test_every_message_has_its_sizes_told(build: Path) -> None:
    said = run("make", "-C", FIRMWARE, "sizes", f"BUILD={build}", "CFLAGS=-O2 -g")
    assert said.returncode == 0, said.stderr
    rows = [line.split("|")[1:4] for line in said.stdout.splitlines() if line.startswith("| `ora_")]
    assert {name.strip() for name, _, _ in rows} >= {"`ora_relay_v1_Envelope`", "`ora_backup_v1_Layout`"}
    largest = max(int(ram) for name, ram, _ in rows)
    assert largest <= 8192  # no struct holds what a board may not have
    assert all(int(flash) > 0 for name, _, flash in rows if "any" not in name)


@pytest.mark.debian("cmake")
@pytest.mark.debian("libmosquitto-dev")
@pytest.mark.debian("libcurl4-openssl-dev")
@pytest.mark.debian("libcjson-dev")
def test_cmake_knows_the_same_files() -> None:
    """Building twice would tell no more than the list of targets and sources does."""
    text = (FIRMWARE / "CMakeLists.txt").read_text() + (FIRMWARE / "example" / "CMakeLists.txt").read_text()
    sources = [*FIRMWARE.glob("src/*.c"), *FIRMWARE.glob("crypto/*.c"), *FIRMWARE.glob("example/*.c")]
    assert [path.name for path in sources if path.name not in text] == []
