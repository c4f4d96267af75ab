"""Owns the tables of docs/firmware-guide.md that code decides: `python -m proto.tools.firmware.guide` writes them anew.

Topics and bounds are the relay's, messages and contexts the contract's, routes the gateway's. `--check` only compares.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final

from ora.options.v1 import options_pb2

from gateway import contract
from proto.tools.firmware.descriptors import ROOT
from relay.routing.closing import connack_code, disconnect_code
from relay.routing.limits import Limits
from relay.routing.reasons import Close
from relay.routing.topics import Leaf
from sdk.surface import SURFACE

if TYPE_CHECKING:
    from collections.abc import Callable

GUIDE: Final = ROOT / "docs" / "firmware-guide.md"
_BETWEEN: Final = "<!-- made: {name} -->\n{table}<!-- end: {name} -->"
_SERVICES: Final = frozenset(
    {
        "BackupService",
        "BackupUploadService",
        "CertificateService",
        "CertificateAuthorityService",
        "FirmwareArtefactService",
        "FirmwareMetadataService",
        "FirmwareUpdateService",
        "HandoverService",
        "HubRecordService",
        "IntakeService",
        "SigningKeyService",
        "SubjectAccessService",
        "TicketService",
    }
)
_CARRIES: Final = {
    Leaf.DOWN: ("to the Hub", "an `ora.relay.v1.Envelope` of an app; answer with PUBACK when it is written down"),
    Leaf.UP: ("from the Hub", "an `ora.relay.v1.Envelope` for an app; PUBACK comes when the app's stream has it"),
    Leaf.TELEMETRY: ("from the Hub", "an `ora.ingest.v1.TelemetryBatch`; PUBACK comes when it is stored"),
    Leaf.RECEIPT: ("from the Hub", "nothing today: a bridge may read it; receipts go over HTTPS or by an app"),
}
# Told to a Hub while it is connected, in CONNACK, or both; the others are about packets that no Hub of ours sends.
_AT_CONNECT: Final = (
    Close.CONSENT_OFF,
    Close.HUB_NOT_ACTIVE,
    Close.CERTIFICATE_REVOKED,
    Close.CERTIFICATE_EXPIRED,
    Close.ADMISSION_UNAVAILABLE,
    Close.SESSIONS_FULL,
    Close.FLAPPING,
    Close.DRAINING,
    Close.CLIENT_ID_MISMATCH,
    Close.VERSION_NOT_SERVED,
    Close.TAKEN_OVER,
    Close.KEEP_ALIVE,
    Close.SLOW_READER,
    Close.RECEIVE_MAXIMUM,
    Close.PACKET_TOO_LARGE,
    Close.TOPIC_FOREIGN,
)


def topics() -> str:
    """Return the table of topics."""
    rows = [f"| `ora/v1/h/{{hub}}/{leaf.value}` | {way} | {what} |" for leaf, (way, what) in _CARRIES.items()]
    return _table("topic", "way", "payload", rows=rows)


def messages() -> str:
    """Return the table of messages."""
    rows = [
        f"| `{each.name}` | {each.way.value} | {each.channel} "
        f"| {f'`{each.context.value.decode()}`' if each.context else ''} |"
        for each in SURFACE
    ]
    return _table("message", "way", "where", "context of its signature", rows=rows)


def routes() -> str:
    """Return the table of HTTPS calls that a Hub makes."""
    rows = [
        f"| {binding.verb.upper()} `{binding.template.text}` | {' and '.join(sorted(map(_door, each.doors)))} "
        f"| {each.name} | {_seconds(each.policy.deadline_ms)} |"
        for each in contract.load().methods
        if each.service.rpartition(".")[2] in _SERVICES and _is_for_hubs(each)
        for binding in each.bindings
    ]
    return _table("call", "listener", "method", "deadline", rows=rows)


def _seconds(deadline_ms: int) -> str:
    return f"{deadline_ms / 1000:g} s" if deadline_ms else "none"


def _is_for_hubs(method: contract.Method) -> bool:
    return contract.Door.HUB in method.doors or method.doors <= {contract.Door.BACKUP} or _is_anonymous(method)


def _is_anonymous(method: contract.Method) -> bool:
    return bool(method.policy.subject == options_pb2.SUBJECT_ANONYMOUS)


def _door(door: contract.Door) -> str:
    return {contract.Door.HUB: "Hub", contract.Door.APP: "app", contract.Door.BACKUP: "backup"}[door]


def refusals() -> str:
    """Return the reasons why a connection is refused or ended, with their numbers."""
    rows = [f"| `{each.value}` | 0x{connack_code(each):02X} | 0x{disconnect_code(each):02X} |" for each in _AT_CONNECT]
    return _table("reason string", "in CONNACK", "in DISCONNECT", rows=rows)


def limits() -> str:
    """Return the bounds that a Hub meets."""
    bound = Limits()
    rows = [
        f"| one MQTT packet | {bound.max_packet:,} bytes |",
        "| `Envelope.sealed` | 65,536 bytes: 256·2^b, b from 0 to 8 |",
        f"| QoS 1 packets of the Hub without PUBACK | {bound.receive_maximum} (Receive Maximum, told in CONNACK) |",
        f"| packets to the Hub without its PUBACK | {bound.send_window}, or the Hub's own Receive Maximum |",
        f"| waiting for one Hub | {bound.hub_queue:,} bytes |",
        f"| what one Hub may send | {bound.hub_rate:,} bytes a second, {bound.hub_burst:,} at once |",
        f"| what a small packet counts as | {bound.packet_cost} bytes |",
        f"| keep-alive | {bound.keep_alive_min} to {bound.keep_alive_max} s |",
        f"| CONNECT after TLS | {bound.connect_seconds:g} s |",
        f"| TLS handshake | {bound.handshake_seconds:g} s |",
        f"| session expiry | {bound.session_expiry} s at most |",
        f"| app sessions on a peer list | {bound.receivers_per_hub} |",
        "| one telemetry payload | 16 KiB, 64 samples |",
        "| a signed statement | 4,096 bytes |",
    ]
    return _table("what", "bound", rows=rows)


def _table(*heads: str, rows: list[str]) -> str:
    return f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n" + "".join(f"{row}\n" for row in rows)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "topics": topics,
    "messages": messages,
    "routes": routes,
    "refusals": refusals,
    "limits": limits,
}


def made(text: str) -> str:
    """Return the guide with every table made anew."""
    for name, table in TABLES.items():
        pattern = re.escape(_BETWEEN.format(name=name, table="@")).replace("@", "(?:.*?)")
        fresh = _BETWEEN.format(name=name, table=table()).replace("\\", r"\\")
        text, count = re.subn(pattern, fresh, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"the guide has {count} places for the table of {name}")
    return text


def main() -> int:
    """Write the tables, or say that they are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a table is stale")
    check = parser.parse_args().check
    before = GUIDE.read_text()
    after = made(before)
    if before != after:
        print(f"{'stale' if check else 'writes'} docs/firmware-guide.md")
        if not check:
            GUIDE.write_text(after)
    return 1 if check and before != after else 0


if __name__ == "__main__":
    sys.exit(main())
