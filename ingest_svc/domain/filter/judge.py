"""Owns the one question of ingest: may this payload be kept? A pure function with a value as its answer.

The order is the design's: bounds, strict parse, deny scan, allow-list, quantise. What is kept is exactly what the
allow-list names, so a payload that fools the deny scan is dropped all the same, as an unknown key. The deny scan is
there to say *why*: a Hub whose firmware sends a forbidden key raises an alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest_svc.domain.filter import allow, deny, json_form, protobuf_form, protobuf_plain
from ingest_svc.domain.filter.verdict import Dropped, DropReason, Form, Kept, RefusedError, Verdict

if TYPE_CHECKING:
    from ingest_svc.domain.filter.lexicon import Lexicon

MAX_BYTES: Final = 16_384
_SPACE: Final = b" \t\r\n"


def judge(payload: bytes, form: Form, *, now: int, lexicon: Lexicon | None = None) -> Verdict:
    """Return what is kept of a payload, or why all of it is dropped. ``now`` is in seconds since 1970."""
    if len(payload) > MAX_BYTES:
        return Dropped(DropReason.TOO_LARGE)
    # A plain report begins with 0A and a length, and then 08, so it is no JSON whatever white space 0A may be.
    if form is not Form.JSON and (plain := protobuf_plain.readings(payload, now)) is not None:
        return Kept(plain)
    if form is Form.UNSAID:
        form = Form.JSON if payload.lstrip(_SPACE)[:1] == b"{" else Form.PROTOBUF
    try:
        if form is Form.JSON:
            tree = json_form.parse(payload)
            deny.refuse_forbidden(tree, lexicon)
        else:
            tree = _protobuf(payload, lexicon)
        return Kept(allow.readings(tree, now))
    except RefusedError as refused:
        return Dropped(refused.reason)


def _protobuf(payload: bytes, lexicon: Lexicon | None) -> object:
    try:
        return protobuf_form.parse(payload)
    except RefusedError as refused:
        # There are no keys to scan, but a field that nobody knows may hold a text that tells what it is.
        if refused.reason in protobuf_form.FOREIGN:
            deny.refuse_forbidden(payload.decode("utf-8", "replace"), lexicon)
        raise
