"""The golden vectors end as this table says, whatever the generator thinks of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sdk.check_golden import replay
from sdk.golden.files import FOLDERS, ROOT, load

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "TAMPERED": {
        "bad_key_same_epoch",
        "bad_enc",
        "bad_enc_zero",
        "bad_ciphertext",
        "bad_tag",
        "bad_truncated",
        "bad_header_changed",
        "bad_header_unknown_dropped",
        "bad_header_reordered",
    },
    "WRONG_KEY": {"bad_key_epoch", "bad_key_suite"},
    "WRONG_HEADER": {"bad_header_version", "bad_header_hub", "bad_header_direction"},
    "SUITE_UNKNOWN": {"bad_suite_unknown"},
    "SENDER_UNKNOWN": {"bad_sender_unknown"},
    "SENDER_SIGNATURE": {"bad_sender_key", "bad_sender_other_header"},
    "BAD_PADDING": {"bad_padding_absent", "bad_padding_not_zero", "bad_padding_length"},
    "MALFORMED": {
        "bad_too_short",
        "bad_suite_alone",
        "bad_sealed_empty",
        "bad_no_protobuf",
        "bad_envelope_cut",
        "bad_content",
    },
}


def test_every_vector_replays() -> None:
    count, differences = replay()
    assert differences == []
    assert count >= 96


def test_envelopes_end_as_the_table_says() -> None:
    found = {vector.name: vector.facts["expect"] for vector in load("envelope")}
    table = {name: reason for reason, names in EXPECTED.items() for name in names}
    assert {name: reason for name, reason in found.items() if name.startswith("bad_")} == table
    assert {reason for name, reason in found.items() if not name.startswith("bad_")} == {"OPENS"}


def test_headers_are_answered_as_their_names_say() -> None:
    forwarded = {"minimal", "full", "unknown_fields", "reversed_order", "repeated_field", "longest"}
    for vector in load("route_header"):
        if vector.name.startswith(("gated_", "reserved_")):
            expected = "GATE_SHUT"
        elif vector.name == "version_2":
            expected = "VERSION_UNSUPPORTED"
        else:
            expected = "FORWARD" if vector.name in forwarded else "HEADER_INVALID"
        assert (vector.name, vector.facts["relay"]) == (vector.name, expected)


def test_every_gate_of_the_contract_has_a_vector() -> None:
    gated = {name.split("_")[1] for vector in load("route_header") if (name := vector.name).startswith("gated_")}
    assert gated == {str(number) for number in range(32, 43)}


def test_the_committed_vectors_are_what_the_generator_makes() -> None:
    run = subprocess.run([sys.executable, "-m", "sdk.golden", "--check"], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_changed_vector_is_noticed(folder: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / folder).glob("*.bin"):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"x")
    _, differences = replay(tmp_path)
    assert any(line.startswith(f"{folder}/") for line in differences)


def test_no_test_key_looks_like_a_real_one() -> None:
    for path in ROOT.rglob("*.json"):
        assert "PRIVATE KEY" not in path.read_text()
        for key in json.loads(path.read_text()).get("receiver", {}).get("keys", []):
            assert set(key) == {"key_epoch", "suite", "test_private_key", "public_key"}
