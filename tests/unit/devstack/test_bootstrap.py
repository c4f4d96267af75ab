from __future__ import annotations

import re

from devstack import bootstrap


def test_the_lines_of_one_package_hold_its_hashes_and_no_other_package() -> None:
    lines = bootstrap.locked("uv")
    assert lines.startswith("uv==")
    assert "--hash=sha256:" in lines
    assert len(re.findall(r"^[a-z]", lines, re.MULTILINE)) == 1


def test_the_digest_tells_where_one_part_ends() -> None:
    assert bootstrap.digest("ab", "c") != bootstrap.digest("a", "bc")


def test_the_lock_files_name_no_address() -> None:
    for path in (bootstrap.LOCK, bootstrap.VOLTEX / "package-lock.json"):
        assert not re.search(r"\bhttps?://(?!.*funding)[^\s\"]+\.(whl|tgz|tar\.gz)", path.read_text()), path


def test_every_package_of_the_lock_is_hashed() -> None:
    stanzas = re.split(r"^(?=[a-z0-9])", bootstrap.LOCK.read_text(), flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert len(stanzas) > 50
    assert [each.split("==")[0] for each in stanzas if "--hash=sha256:" not in each] == []
