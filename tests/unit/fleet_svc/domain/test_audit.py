"""A chain of entries: what is changed, left out or put in shows where."""

from __future__ import annotations

import pytest

from fleet_svc.domain.audit import Entry, digest, first_break

Link = tuple[int, bytes, bytes, bytes]


def chain(count: int = 4) -> list[Link]:
    links: list[Link] = []
    before = bytes(32)
    for sequence in range(1, count + 1):
        entry = b"entry %d" % sequence
        made = digest(before, sequence, entry)
        links.append((sequence, entry, before, made))
        before = made
    return links


def test_a_whole_chain_holds() -> None:
    assert first_break(chain()) is None
    assert first_break([]) is None


@pytest.mark.parametrize("at", range(4))
def test_what_is_altered_shows_where(at: int) -> None:
    links = chain()
    sequence, _, before, made = links[at]
    links[at] = (sequence, b"another", before, made)
    assert first_break(links) == at + 1


@pytest.mark.parametrize("at", range(3))
def test_what_is_left_out_shows_where(at: int) -> None:
    links = chain()
    del links[at]
    assert first_break(links) == at + 1


def test_an_entry_has_one_encoding() -> None:
    fields = dict.fromkeys(("method", "actor", "caller", "resource", "request_digest", "evidence_digest"), "x")
    made = Entry(**fields, trace="", time="t").encode()
    assert made == Entry(time="t", trace="", **dict(reversed(fields.items()))).encode()
    assert made.startswith(b'{"actor":"x","caller":"x"')
