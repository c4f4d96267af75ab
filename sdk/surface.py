"""Owns the list of messages that a Hub sends or receives, and how each travels. It knows no message's fields.

The guide for firmware, the generated C, the golden vectors and the size check are all made from this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from sdk.statements import Context


class Way(Enum):
    """Which way a message goes, seen from the Hub."""

    UP = "the Hub sends it"
    DOWN = "the Hub receives it"
    BOTH = "both ways"
    KEPT = "the Hub writes and reads it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One message of the Hub's."""

    name: str
    """Its full name in the contract."""
    way: Way
    channel: str
    """Where it travels: a topic, a path, or the message that carries it."""
    context: Context | None
    """What its signature is for, where it is a statement."""


_SEALED: Final = "inside `Envelope.sealed`"
_LAN: Final = "an app on the local network, or a TUNNEL/HANDOVER envelope"
_HANDOVER: Final = "GET `/v1/hubs/{hub}/handover`, or an app"

SURFACE: Final = tuple(
    Spoken(name=f"ora.{name}", way=way, channel=channel, context=context)
    for name, way, context, channel in (
        ("common.v1.SignedRecord", Way.BOTH, None, "carries every statement"),
        ("relay.v1.Envelope", Way.BOTH, None, "MQTT `ora/v1/h/{hub}/down` and `ora/v1/h/{hub}/up`"),
        ("relay.v1.RouteHeader", Way.BOTH, None, "inside `Envelope.route_header`"),
        ("relay.v1.SealedContent", Way.BOTH, None, _SEALED),
        ("fleet.v1.OwnerKeyStatement", Way.UP, Context.OWNER_KEY, "POST `/v1/hubs/{hub}/ownerKey`"),
        ("fleet.v1.ConsentStatement", Way.UP, Context.CONSENT, "POST `/v1/hubs/{hub}/consent`"),
        ("fleet.v1.PeerListStatement", Way.UP, Context.PEER_LIST, "POST `/v1/hubs/{hub}/peers`"),
        (
            "fleet.v1.CertificateRequestStatement",
            Way.UP,
            Context.CERTIFICATE_REQUEST,
            "POST `/v1/hubs/{hub}/certificates`",
        ),
        ("fleet.v1.TrustBundleStatement", Way.DOWN, Context.TRUST_BUNDLE, "GET `/v1/trustBundles/{purpose}`"),
        ("fleet.v1.BootReport", Way.UP, None, "POST `/v1/hubs/{hub}/updates:check`"),
        ("fleet.v1.DirectorStatement", Way.DOWN, Context.DIRECTOR, "POST `/v1/hubs/{hub}/updates:check` (answer)"),
        (
            "fleet.v1.InstallPermitStatement",
            Way.DOWN,
            Context.INSTALL_PERMIT,
            "POST `/v1/hubs/{hub}/updates/{update}:requestPermit` (answer)",
        ),
        ("fleet.v1.SideloadRequestStatement", Way.UP, Context.SIDELOAD_REQUEST, _LAN),
        ("fleet.v1.SideloadHead", Way.DOWN, None, _LAN),
        (
            "ingest.v1.TelemetryBatch",
            Way.UP,
            None,
            "MQTT `ora/v1/h/{hub}/telemetry`, or POST `/v1/hubs/{hub}/telemetry`",
        ),
        ("ingest.v1.SupportGrantStatement", Way.UP, Context.SUPPORT_GRANT, _LAN),
        ("portal.v1.HubBindingStatement", Way.UP, Context.HUB_BINDING, _LAN),
        ("portal.v1.SigningKeyStatement", Way.DOWN, Context.SIGNING_KEY, "GET `/v1/signingKeys`"),
        ("portal.v1.LockNoticeStatement", Way.DOWN, Context.LOCK_NOTICE, _HANDOVER),
        ("portal.v1.LockReleaseStatement", Way.DOWN, Context.LOCK_RELEASE, _HANDOVER),
        ("portal.v1.AccessKeyEndorsementStatement", Way.DOWN, Context.ACCESS_KEY_ENDORSEMENT, _HANDOVER),
        ("portal.v1.AccessKeyClaimStatement", Way.DOWN, Context.ACCESS_KEY_CLAIM, _HANDOVER),
        ("portal.v1.ClaimGrantStatement", Way.DOWN, Context.CLAIM_GRANT, _HANDOVER),
        (
            "portal.v1.HandoverReceiptStatement",
            Way.UP,
            Context.HANDOVER_RECEIPT,
            "POST `/v1/projects/{project}:submitReceipt`, or an app",
        ),
        ("backup.v1.Layout", Way.KEPT, None, "sealed in an `ORAB` container (docs/backup-format.md)"),
        (
            "backup.v1.BackupActionStatement",
            Way.UP,
            Context.BACKUP_ACTION,
            "POST `/v1/backups/{backup}:delete` and `:keep`",
        ),
    )
)
