"""Owns the table from packet types to their codecs. Knows no session, so every packet may come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from relay.wire.acknowledgements import (
    Acknowledgement,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    decoder,
    encode_acknowledgement,
)
from relay.wire.codes import PacketType
from relay.wire.connect import Connack, Connect, decode_connack, decode_connect, encode_connack, encode_connect
from relay.wire.control import (
    PINGREQ_BYTES,
    PINGRESP_BYTES,
    Auth,
    Disconnect,
    Pingreq,
    Pingresp,
    decode_auth,
    decode_disconnect,
    decode_pingreq,
    decode_pingresp,
    encode_auth,
    encode_disconnect,
)
from relay.wire.publish import Publish, decode_publish, encode_publish
from relay.wire.subscribe import (
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    decode_suback,
    decode_subscribe,
    decode_unsuback,
    decode_unsubscribe,
    encode_suback,
    encode_subscribe,
    encode_unsuback,
    encode_unsubscribe,
)

Packet = (
    Connect
    | Connack
    | Publish
    | Acknowledgement
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)
Decoder = Callable[[int, bytes, int], Packet]

DECODERS: Final[dict[PacketType, Decoder]] = {
    PacketType.CONNECT: decode_connect,
    PacketType.CONNACK: decode_connack,
    PacketType.PUBLISH: decode_publish,
    PacketType.PUBACK: decoder(PacketType.PUBACK, Puback),
    PacketType.PUBREC: decoder(PacketType.PUBREC, Pubrec),
    PacketType.PUBREL: decoder(PacketType.PUBREL, Pubrel),
    PacketType.PUBCOMP: decoder(PacketType.PUBCOMP, Pubcomp),
    PacketType.SUBSCRIBE: decode_subscribe,
    PacketType.SUBACK: decode_suback,
    PacketType.UNSUBSCRIBE: decode_unsubscribe,
    PacketType.UNSUBACK: decode_unsuback,
    PacketType.PINGREQ: decode_pingreq,
    PacketType.PINGRESP: decode_pingresp,
    PacketType.DISCONNECT: decode_disconnect,
    PacketType.AUTH: decode_auth,
}
_BY_FIRST_BYTE: Final = tuple(DECODERS.get(PacketType(each >> 4)) if each >> 4 else None for each in range(256))


def decode(first: int, body: bytes, version: int) -> Packet:
    """Return the packet whose first byte and body these are; framing has checked the first byte."""
    decode_one = _BY_FIRST_BYTE[first]
    assert decode_one is not None, "framing lets no packet type 0 through"  # noqa: S101
    return decode_one(first, body, version)


def encode(packet: Packet, version: int) -> bytes:  # noqa: C901, PLR0911 - one line a packet type
    """Return the bytes of a packet for a peer of this protocol level."""
    match packet:
        case Publish():
            return encode_publish(packet, version)
        case Acknowledgement():
            return encode_acknowledgement(packet, version)
        case Connect():
            return encode_connect(packet)
        case Connack():
            return encode_connack(packet, version)
        case Subscribe():
            return encode_subscribe(packet, version)
        case Suback():
            return encode_suback(packet, version)
        case Unsubscribe():
            return encode_unsubscribe(packet, version)
        case Unsuback():
            return encode_unsuback(packet, version)
        case Pingreq():
            return PINGREQ_BYTES
        case Pingresp():
            return PINGRESP_BYTES
        case Disconnect():
            return encode_disconnect(packet, version)
        case Auth():
            return encode_auth(packet)
