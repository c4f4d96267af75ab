"""The PROXY protocol: whose connection it is, and what is refused."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.wire.proxy import HEAD, SIGNATURE, ProxyError, Source, read_header


def header(kind: int, rest: bytes, command: int = 0x21) -> bytes:
    return SIGNATURE + bytes((command, kind)) + len(rest).to_bytes(2, "big") + rest


def addresses(source: str, extra: bytes = b"") -> bytes:
    packed = ip_address(source).packed
    return packed + bytes(len(packed)) + b"\x12\x34\x56\x78" + extra


@pytest.mark.parametrize(
    ("data", "address"),
    [
        (header(0x11, addresses("192.0.2.7")), "192.0.2.7"),
        (header(0x21, addresses("2001:db8::7")), "2001:db8::7"),
        (header(0x11, addresses("192.0.2.7", b"\xea\x00\x03vpc")), "192.0.2.7"),
        (header(0x00, b"", 0x20), None),
        (header(0x00, b"anything"), None),
        (header(0x31, bytes(216)), None),
    ],
)
def test_who_connected(data: bytes, address: str | None) -> None:
    assert read_header(data + b"\x16\x03\x01") == Source(len(data), address)
    for cut in range(len(data)):
        wanted = read_header(data[:cut])
        assert wanted == (HEAD if cut < HEAD else len(data))


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        header(0x11, addresses("192.0.2.7"), 0x22),
        header(0x11, addresses("192.0.2.7"), 0x11),
        header(0x11, b"\x01\x02\x03"),
        header(0x21, addresses("192.0.2.7")),
        header(0x11, bytes(600)),
    ],
)
def test_what_is_no_header(data: bytes) -> None:
    with pytest.raises(ProxyError):
        read_header(data)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: SIGNATURE + rest))
def test_any_bytes_are_a_header_or_none(data: bytes) -> None:
    try:
        found = read_header(data)
    except ProxyError:
        return
    assert found > len(data) if isinstance(found, int) else found.length <= len(data)
