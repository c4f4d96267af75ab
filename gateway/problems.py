"""Owns the catalogue of problems that the gateway itself answers with, and how a gRPC code reads over HTTP.

Details are constants: nothing that a caller sent, and no name of a part, gets into one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One ``google.rpc.Code``: its number, name, HTTP status, and what is said where a status says nothing itself."""

    number: int
    name: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeProblem:
    """One refusal by the gateway itself, and how Envoy's answer is known to be it."""

    reason: str
    status: int
    code: str
    detail: str
    # A CEL expression over the answer; empty: every answer with this status that nothing above has claimed.
    when: str = ""
    headers: tuple[tuple[str, str], ...] = ()


CODES: Final = (
    Code(number=1, name="CANCELLED", status=499, detail="The caller went away."),
    Code(number=2, name="UNKNOWN", status=500, detail="Something went wrong on our side."),
    Code(number=3, name="INVALID_ARGUMENT", status=400, detail="The request is not as the contract says."),
    Code(number=4, name="DEADLINE_EXCEEDED", status=504, detail="Not done in time; it may or may not have happened."),
    Code(number=5, name="NOT_FOUND", status=404, detail="There is no such thing, or it is not yours to see."),
    Code(number=6, name="ALREADY_EXISTS", status=409, detail="There is one already."),
    Code(number=7, name="PERMISSION_DENIED", status=403, detail="This is not allowed."),
    Code(number=8, name="RESOURCE_EXHAUSTED", status=429, detail="A limit is used up; try later."),
    Code(number=9, name="FAILED_PRECONDITION", status=400, detail="The present state does not allow it."),
    Code(number=10, name="ABORTED", status=409, detail="Something else changed it meanwhile; read again and retry."),
    Code(number=11, name="OUT_OF_RANGE", status=400, detail="Past the end of what there is."),
    Code(number=12, name="UNIMPLEMENTED", status=501, detail="This is not served."),
    Code(number=13, name="INTERNAL", status=500, detail="Something went wrong on our side."),
    Code(number=14, name="UNAVAILABLE", status=503, detail="The service is away for the moment; try again."),
    Code(number=15, name="DATA_LOSS", status=500, detail="Something went wrong on our side."),
    Code(number=16, name="UNAUTHENTICATED", status=401, detail="Nobody that we know."),
)

REALM: Final = 'Bearer realm="ora"'
# RFC 9449, section 7.1.
DPOP: Final = 'DPoP realm="ora", algs="ES256 Ed25519"'
_INVALID: Final = (("www-authenticate", f'{REALM}, error="invalid_token"'),)
_JWT: Final = "response.code_details.startsWith('jwt_authn_access_denied{%s')"


def _token(reason: str, envoy: str, detail: str) -> EdgeProblem:
    return EdgeProblem(
        reason=reason, status=401, code="UNAUTHENTICATED", detail=detail, when=_JWT % envoy, headers=_INVALID
    )


QUERY_ROUTE: Final = "query not taken"

# The transcoder's refusals. A call may be gRPC by then, so their reasons travel in a header and `problems.lua` writes
# the document.
TRANSCODER: Final = (
    EdgeProblem(
        reason="QUERY_INVALID",
        status=400,
        code="INVALID_ARGUMENT",
        detail="A query parameter is unknown, or not of its type.",
        when="response.code_details.startsWith('early_grpc_json_transcode_failure')",
    ),
    EdgeProblem(
        reason="BODY_INVALID",
        status=400,
        code="INVALID_ARGUMENT",
        detail="The body is not JSON as the contract has it.",
        when="response.code_details.startsWith('grpc_json_transcode_failure')",
    ),
)

# In order: the first whose condition holds.
EDGE: Final = (
    EdgeProblem(
        reason="CREDENTIALS_MISSING",
        status=401,
        code="UNAUTHENTICATED",
        detail="An access token is needed in the Authorization header.",
        when=_JWT % "Jwt_is_missing",
        headers=(("www-authenticate", REALM),),
    ),
    _token("TOKEN_EXPIRED", "Jwt_is_expired", "The access token has expired."),
    _token("TOKEN_AUDIENCE", "Audiences_in_Jwt_are_not_allowed", "The access token is for another service."),
    EdgeProblem(
        reason="ISSUER_UNAVAILABLE",
        status=503,
        code="UNAVAILABLE",
        detail="The token cannot be checked at the moment; try again.",
        when=f"{_JWT % 'Jwks_remote_fetch'} || {_JWT % 'Jwks_not_ready'}",
        headers=(("retry-after", "2"),),
    ),
    _token("TOKEN_INVALID", "", "The access token is not one that we take."),
    EdgeProblem(
        reason="ROLE_NOT_ALLOWED",
        status=403,
        code="PERMISSION_DENIED",
        detail="None of your roles may do this.",
        when="response.code_details.startsWith('rbac_access_denied')",
    ),
    EdgeProblem(
        reason="QUERY_INVALID",
        status=400,
        code="INVALID_ARGUMENT",
        detail="A query parameter is unknown, or not of its type.",
        when=f"xds.route_name == '{QUERY_ROUTE}'",
    ),
    EdgeProblem(reason="MALFORMED_REQUEST", status=400, code="INVALID_ARGUMENT", detail="Not a request that we read."),
    EdgeProblem(reason="ROUTE_NOT_FOUND", status=404, code="NOT_FOUND", detail="There is nothing at this address."),
    EdgeProblem(
        reason="METHOD_NOT_ALLOWED",
        status=405,
        code="UNIMPLEMENTED",
        detail="This address does not take this method; see the Allow header.",
    ),
    EdgeProblem(
        reason="REQUEST_TIMEOUT", status=408, code="DEADLINE_EXCEEDED", detail="The request did not arrive in time."
    ),
    EdgeProblem(
        reason="BODY_TOO_LARGE", status=413, code="INVALID_ARGUMENT", detail="The body is larger than allowed."
    ),
    EdgeProblem(
        reason="MEDIA_TYPE_NOT_SUPPORTED",
        status=415,
        code="INVALID_ARGUMENT",
        detail="The body must be application/json without content coding.",
        headers=(("accept", "application/json"),),
    ),
    EdgeProblem(
        reason="UPGRADE_NOT_SUPPORTED", status=426, code="INVALID_ARGUMENT", detail="HTTP/1.1 or HTTP/2, please."
    ),
    EdgeProblem(
        reason="RATE_LIMITED",
        status=429,
        code="RESOURCE_EXHAUSTED",
        detail="Too many requests from this network; try later.",
        headers=(("retry-after", "1"),),
    ),
    EdgeProblem(
        reason="HEADERS_TOO_LARGE", status=431, code="INVALID_ARGUMENT", detail="The headers are larger than allowed."
    ),
    EdgeProblem(reason="INTERNAL", status=500, code="INTERNAL", detail="Something went wrong on our side."),
    EdgeProblem(
        reason="UNAVAILABLE",
        status=503,
        code="UNAVAILABLE",
        detail="The service is away for the moment; try again.",
        headers=(("retry-after", "1"),),
    ),
    EdgeProblem(
        reason="DEADLINE_EXCEEDED",
        status=504,
        code="DEADLINE_EXCEEDED",
        detail="Not done in time; it may or may not have happened.",
    ),
)
