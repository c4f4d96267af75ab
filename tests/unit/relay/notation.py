"""Bytes of MQTT as a person writes them.

Hex digits are bytes, 'text' is ASCII, {name} is a value given by the test, [ … ] has its length in two bytes before it
(strings and binary data), < … > has its length as a Variable Byte Integer before it (whole packets and properties),
*N repeats the byte before N times, and # begins a comment.
"""

from __future__ import annotations

import re

from relay.wire.primitives import encode_variable

_TOKEN = re.compile(r"\s+|#[^\n]*|'([^']*)'|\{(\w+)\}|([\[<])|([\]>])|\*(\d+)|([0-9a-fA-F]{2})")


def data(text: str, **values: bytes) -> bytes:
    """Return the bytes that ``text`` describes."""
    stack: list[tuple[str, bytearray]] = [("", bytearray())]
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None, f"not understood: {text[at : at + 20]!r}"
        at = match.end()
        ascii_text, name, opens, closes, repeat, digits = match.groups()
        out = stack[-1][1]
        if ascii_text is not None:
            out += ascii_text.encode()
        elif name is not None:
            out += values[name]
        elif opens is not None:
            stack.append((opens, bytearray()))
        elif closes is not None:
            kind, inner = stack.pop()
            assert kind + closes in ("[]", "<>"), f"{kind} is closed by {closes}"
            head = len(inner).to_bytes(2, "big") if kind == "[" else encode_variable(len(inner))
            stack[-1][1].extend(head + inner)
        elif repeat is not None:
            out += bytes((out[-1],)) * (int(repeat) - 1)
        elif digits is not None:
            out.append(int(digits, 16))
    assert len(stack) == 1, "a bracket is open"
    return bytes(stack[0][1])
