"""What the next contract may do to firmware in the field: add a field, and nothing to a size."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from google.protobuf import descriptor_pool, message_factory

from proto.tools.firmware import sizes
from proto.tools.firmware.bounds import UnboundedError
from sdk.golden.messages import most
from tests.contract.image import Tree, make_tree
from tests.unit.firmware.running import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = "ora/relay/v1/envelope.proto"
RECORDS = "ora/fleet/v1/hub_records.proto"


@pytest.fixture(scope="session")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder = tmp_path_factory.mktemp("evolution")
    subprocess.run([sys.executable, ROOT / "proto/tools/vendor_protos.py", folder / "third_party"], check=True)
    return make_tree(folder / "tree", ROOT / "proto", ROOT / "buf.yaml", folder / "third_party")


@pytest.fixture
def changed(contracts: Tree, tmp_path: Path) -> Callable[[str, str, str], Tree]:
    """The contracts with one place of one file changed."""

    def change(file: str, old: str, new: str) -> Tree:
        tree = contracts.copy(tmp_path / "changed")
        tree.edit(file, old, new)
        return tree

    return change


@pytest.mark.debian("libnanopb-dev")
@pytest.mark.debian("libssl-dev")
def test_a_field_that_was_added_is_ignored_by_the_committed_decoder(
    build: Path, contracts: Tree, changed: Callable[[str, str, str], Tree], tmp_path: Path
) -> None:
    """Encoded with the new contract, replayed by the C of today."""
    tree = changed(
        RECORDS,
        "uint64 not_after_seconds = 3;",
        "uint64 not_after_seconds = 3;\n  // New.\n  bytes nickname = 4 [(buf.validate.field).bytes.max_len = 40];",
    )
    tree.check_breaking(contracts)  # a minor version may do this
    pool = descriptor_pool.DescriptorPool()
    for file in tree.compile().file:
        pool.Add(file)
    later = message_factory.GetMessageClass(pool.FindMessageTypeByName("ora.fleet.v1.PeerListStatement"))
    statement = later.FromString(most("ora.fleet.v1.PeerListStatement").SerializeToString())
    for peer in statement.peers:  # type: ignore[attr-defined]  # a class made at run time
        peer.nickname = b"x" * 40
    (tmp_path / "message").mkdir()
    (tmp_path / "message" / "later.bin").write_bytes(statement.SerializeToString(deterministic=True))
    lines = (("message", "ora.fleet.v1.PeerListStatement"), ("expect", "CONFORMS"), ("encodes_to_same", "false"))
    (tmp_path / "index.tsv").write_text("".join(f"message/later\t{fact}\t{value}\n" for fact, value in lines))
    said = run(build / "check_vectors", tmp_path)
    assert (said.returncode, said.stdout.split()[0]) == (0, "1"), said.stderr


def test_a_bound_that_changed_is_caught_though_buf_sees_no_break(
    contracts: Tree, changed: Callable[[str, str, str], Tree]
) -> None:
    tree = changed(HEADER, "max_len: 65536", "max_len: 65537")
    tree.edit(HEADER, "      max_len: 512\n", "      max_len: 256\n")
    tree.edit(RECORDS, "max_items = 32", "max_items = 64")
    tree.check_breaking(contracts)
    committed = sizes.read((ROOT / sizes.FILE).read_text())
    assert sizes.changes(committed, sizes.now(tree.root)) == [
        "ora.fleet.v1.PeerListStatement.peers_count: 32 became 64",
        "ora.relay.v1.Envelope.route_header: 512 became 256",
        "ora.relay.v1.Envelope.sealed: 65536 became 65537",
    ]


def test_the_committed_sizes_are_those_of_every_release() -> None:
    said = run(sys.executable, "-m", "proto.tools.firmware.sizes")
    assert (said.returncode, said.stdout) == (0, "")


def test_a_field_of_a_hub_without_a_bound_is_refused(changed: Callable[[str, str, str], Tree]) -> None:
    rule = "bytes owner_public_key = 3"
    tree = changed(RECORDS, f"{rule} [(buf.validate.field).bytes.len = 32];", f"{rule};")
    with pytest.raises(UnboundedError, match="owner_public_key: bytes or a string without max_len"):
        sizes.now(tree.root)
