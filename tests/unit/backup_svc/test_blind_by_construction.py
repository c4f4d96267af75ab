"""What checks containers could not open one: it imports no cipher, no key derivation, no SDK and no plaintext."""

from __future__ import annotations

import ast
from pathlib import Path

import backup_svc

ROOT = Path(backup_svc.__file__).parent
# The one place with a cipher: ticket keys at rest. It touches no container.
WITH_CIPHER = {"api/ticket_keys.py"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{each.name}" for each in node.names}
    return names


def test_no_module_can_open_a_container() -> None:
    found = {}
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        bad = {
            each
            for each in imported(path)
            if each.startswith("sdk")
            or "layout_pb2" in each
            or ".kdf" in each
            or (".ciphers" in each and name not in WITH_CIPHER)
        }
        if bad:
            found[name] = bad
    assert found == {}


def test_the_domain_has_no_input_no_output_and_no_clock() -> None:
    allowed = {
        "backup_svc.domain",
        "cryptography.",
        "__future__.",
        "collections.",
        "dataclasses.",
        "datetime.",
        "enum.",
        "typing.",
    }
    plain = {"hashlib", "secrets", "struct", "zlib"}
    for path in (ROOT / "domain").glob("*.py"):
        for name in imported(path):
            assert name in plain or name.startswith(tuple(allowed)), (path.name, name)
