"""Owns the catalogue of error reasons: the gateway's, the mesh's, and those of the contracts' `ErrorReason` enums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway import problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.openapi.source import Source

_ENUM: Final = "ErrorReason"
_PREFIX: Final = "ERROR_REASON_"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, who gives it, and what it means."""

    name: str
    giver: str
    status: str
    meaning: str


# What `mesh` gives in every service.
_MESH: Final = (
    ("ADMISSION_UNKNOWN", 503, "Whether the Hub may be served cannot be told now, so it is not."),
    ("ALREADY_EXISTS", 409, "There is one already."),
    ("CALLER_NOT_ALLOWED", 403, "The workload in front may not call this; a fault of ours."),
    ("CLOCK_SKEW", 400, "Two of our machines disagree about the time; a fault of ours."),
    ("CONCURRENT_UPDATE", 409, "Somebody else changed it meanwhile. Read again, then retry."),
    ("CREDENTIALS_AMBIGUOUS", 401, "Credentials were given more than once."),
    ("CREDENTIALS_MISSING", 401, "Credentials are needed."),
    ("DATABASE_BUSY", 503, "Too many wait for the database. Repeat the call as it is."),
    ("DATABASE_UNAVAILABLE", 503, "The database is away. Repeat the call as it is."),
    ("DATA_LOSS", 500, "Stored data is damaged."),
    ("DEADLINE_EXCEEDED", 504, "Not done in time. It may or may not have happened: retry with the same `request_id`."),
    ("DEADLINE_TOO_SHORT", 504, "So little time was left that it was not begun."),
    ("HSM_KEY_MISSING", 503, "A key that is needed is not in the HSM; a fault of ours."),
    ("HSM_UNAVAILABLE", 503, "The HSM that holds our keys cannot be asked. Repeat the call as it is."),
    ("HUB_CERTIFICATE_INVALID", 401, "The client certificate names no Hub."),
    (
        "INSUFFICIENT_USER_AUTHENTICATION",
        401,
        "A fresher or stronger login is needed: see WWW-Authenticate.",
    ),
    ("INTERNAL", 500, "A fault of ours. `traceId` finds it."),
    ("INVALID_ARGUMENT", 400, "The request is not as the contract says; `errors` has the fields."),
    ("ISSUER_UNAVAILABLE", 503, "The issuer's keys cannot be had, so no token can be checked."),
    ("KEY_CONTEXT", 500, "A stored key does not open for what it is asked for."),
    ("KEY_DESTROYED", 500, "The key of what is asked for is destroyed, and with it the content."),
    ("KMS_PURPOSE", 403, "A service asked for keys that are not its own; a fault of ours."),
    ("METHOD_UNKNOWN", 501, "This server does not have the method; a fault of ours."),
    ("NOT_FOUND", 404, "It is not there, or not the caller's to see."),
    ("OBJECT_MISSING", 500, "Stored bytes are not where they were put; a fault of ours."),
    ("OBJECT_STORE_UNAVAILABLE", 503, "The store of bytes cannot be asked. Repeat the call as it is."),
    ("OUT_OF_RANGE", 400, "Past the end of what there is."),
    ("OVERLOADED", 503, "The server is full."),
    ("PAGE_TOKEN_INVALID", 400, "The page token is not one of ours, or is for another list. Start again."),
    ("PEER_UNKNOWN", 401, "The workload in front is not known; a fault of ours. (From the relay: see RefusalReason.)"),
    ("PERMISSION_DENIED", 403, "Not allowed."),
    ("PROOF_INVALID", 401, "The token is bound to a key, and the proof of it (DPoP) is missing, wrong or used."),
    ("RATE_LIMITED", 429, "A limit is used up; Retry-After says for how long."),
    ("RATE_LIMITER_UNAVAILABLE", 503, "The limits cannot be looked up, so a sensitive call is not let through."),
    ("REQUEST_ID_REUSED", 409, "The `request_id` was used for a different request."),
    ("REQUEST_MALFORMED", 400, "The request cannot be read."),
    ("ROLE_NOT_ALLOWED", 403, "None of the caller's roles or scopes may do this."),
    ("STATE_CONFLICT", 400, "The present state does not allow it."),
    ("TOKEN_INVALID", 401, "The token is not one that we take."),
    ("TOKEN_NOT_BOUND", 401, "This needs a token that is bound to a key (DPoP)."),
    ("UNAUTHENTICATED", 401, "Nobody that we know."),
    ("UNAVAILABLE", 503, "Something that is needed is away. Repeat the call as it is."),
    ("UNIMPLEMENTED", 501, "This version does not do it."),
    ("UPSTREAM_UNAVAILABLE", 503, "A service behind this one is away."),
)


def reasons(source: Source) -> list[Reason]:
    """List every reason, the gateway's first."""
    edge = dict.fromkeys((*problems.EDGE, *problems.TRANSCODER))
    own = [Reason(each.reason, "gateway", str(each.status), each.detail) for each in edge]
    mesh = [Reason(name, "every service", str(status), meaning) for name, status, meaning in _MESH]
    return [*sorted(own, key=_key), *mesh, *_contracts(source)]


def markdown(source: Source) -> str:
    """Return the catalogue as a page."""
    rows = [f"| `{each.name}` | {each.giver} | {each.status} | {each.meaning} |" for each in reasons(source)]
    return "\n".join([_HEAD, *dict.fromkeys(rows), ""])


def _key(reason: Reason) -> tuple[str, str]:
    return reason.status, reason.name


def _contracts(source: Source) -> Iterator[Reason]:
    statuses = {code.name: str(code.status) for code in problems.CODES}
    for type_name, enum in sorted(source.enums.items()):
        if not type_name.endswith(f".{_ENUM}"):
            continue
        for value in enum.value:
            text = source.comments.get(f"{type_name}.{value.name}", "")
            code, _, meaning = text.partition(". ")
            if value.number:
                giver = type_name.split(".")[2]
                yield Reason(value.name.removeprefix(_PREFIX), giver, statuses.get(code, ""), meaning or text)


_HEAD: Final = """# Why a call was refused

Made by `python -m gateway.openapi`; do not edit. Every error is a problem document (RFC 9457). Programs read `reason`:
it never changes its meaning. `detail` is for developers and may change. The gateway gives a reason for what it refuses
itself; everything else comes from a service, with the reasons that all services share and its own.

| reason | given by | status | meaning |
| --- | --- | --- | --- |"""
