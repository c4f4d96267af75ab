"""Owns the reading of ``ora.options.v1.policy`` from the contract, and the verdict on a call; knows no transport.

A method without a complete policy has none: ``method_of`` raises, so a server that carries one does not start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from ora.options.v1 import options_pb2 as options

from mesh.errors import PermissionDeniedError, StepUpRequiredError, UnauthenticatedError
from mesh.identity import Anonymous, ApiClient, HubIdentity, Principal, Subject, Workload

LEEWAY: Final = timedelta(seconds=60)
_PEOPLE: Final = frozenset({options.SUBJECT_PERSON, options.SUBJECT_PERSON_OR_HUB})
_HUBS: Final = frozenset({options.SUBJECT_HUB, options.SUBJECT_PERSON_OR_HUB})
_RETRYABLE: Final = frozenset(
    {options.IDEMPOTENCY_READ_ONLY, options.IDEMPOTENCY_NATURAL, options.IDEMPOTENCY_REQUEST_ID}
)
_WORKLOADS: Final = ("gateway", "relay", "fleet", "portal", "ingest", "backup", "operator", "bridge")


class PolicyError(Exception):
    """A method of the contract has no complete policy; a bug in the contract, found at start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of the contract, with what the mesh has to know about it."""

    path: str
    policy: options.MethodPolicy
    callers: frozenset[str]
    roles: frozenset[options.Role.ValueType]
    client_streaming: bool
    server_streaming: bool

    @property
    def service(self) -> str:
        """The full name of the service."""
        return self.path.split("/")[1]

    @property
    def name(self) -> str:
        """The name of the method within its service."""
        return self.path.split("/")[2]

    @property
    def takes_people(self) -> bool:
        """Whether a person may be the subject."""
        return self.policy.subject in _PEOPLE

    @property
    def takes_hubs(self) -> bool:
        """Whether a Hub may be the subject."""
        return self.policy.subject in _HUBS

    @property
    def retryable(self) -> bool:
        """Whether a client may repeat it by itself."""
        return self.policy.idempotency in _RETRYABLE and not self.client_streaming

    @property
    def deadline(self) -> float | None:
        """The longest time the handler may take, in seconds; None for streams that live until one side ends them."""
        return self.policy.deadline_ms / 1000 or None


def built_in(path: str, *, callers: tuple[str, ...] = _WORKLOADS, watch: bool = False, bidi: bool = False) -> Method:
    """Return the method of a service that the runtime itself brings, such as health."""
    streaming = watch or bidi
    policy = options.MethodPolicy(
        callers=callers,
        subject=options.SUBJECT_WORKLOAD,
        rate_class=options.RATE_CLASS_NONE,
        deadline_ms=0 if streaming else 2000,
        idempotency=options.IDEMPOTENCY_READ_ONLY,
        audit=options.AUDIT_CLASS_NONE,
    )
    return _method(path, policy, client_streaming=bidi, server_streaming=streaming)


def method_of(path: str) -> Method:
    """Return the method at ``/package.Service/Method``, or raise ``PolicyError``."""
    try:
        service, name = path.removeprefix("/").split("/")
        found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    except (KeyError, ValueError):
        raise PolicyError(f"{path}: not in any contract that is loaded") from None
    policy = found.GetOptions().Extensions[options.policy]
    problems = _problems(found, policy)
    if problems:
        raise PolicyError(f"{path}: {'; '.join(problems)}")
    return _method(path, policy, client_streaming=found.client_streaming, server_streaming=found.server_streaming)


def _method(path: str, policy: options.MethodPolicy, *, client_streaming: bool, server_streaming: bool) -> Method:
    return Method(
        path=path,
        policy=policy,
        callers=frozenset(policy.callers),
        roles=frozenset(policy.roles),
        client_streaming=client_streaming,
        server_streaming=server_streaming,
    )


def _problems(method: MethodDescriptor, policy: options.MethodPolicy) -> list[str]:
    people = policy.subject in _PEOPLE
    streaming = method.client_streaming or method.server_streaming
    request_id = method.input_type.fields_by_name.get("request_id")
    wants_id = policy.idempotency == options.IDEMPOTENCY_REQUEST_ID
    checks = {
        "names no callers": not policy.callers or not all(policy.callers),
        "names no subject": policy.subject not in options.Subject.values() or not policy.subject,
        "roles belong to people, and people need them": people != bool(policy.roles) or 0 in policy.roles,
        "has no rate class": policy.rate_class not in options.RateClass.values() or not policy.rate_class,
        "has no idempotency": policy.idempotency not in options.Idempotency.values() or not policy.idempotency,
        "has no audit class": policy.audit not in options.AuditClass.values() or not policy.audit,
        "a unary method needs a deadline": not streaming and not policy.deadline_ms,
        "step-up is for people, with acr and max age": policy.HasField("step_up")
        and not (people and policy.step_up.acr and policy.step_up.max_age_seconds),
        "token scopes stand in place of a person": bool(policy.token_scopes) and not people,
        "request_id must be a string of a single request": wants_id
        and (method.client_streaming or request_id is None or request_id.type != FieldDescriptor.TYPE_STRING),
    }
    return [problem for problem, wrong in checks.items() if wrong]


def check_caller(method: Method, peer: Workload) -> None:
    """Refuse a workload that the method does not name."""
    if peer.name not in method.callers:
        raise PermissionDeniedError("this workload may not call this method", reason="CALLER_NOT_ALLOWED")


def check_subject(method: Method, subject: Subject, now: datetime) -> None:
    """Refuse a subject that the method is not for."""
    policy = method.policy
    match subject:
        case Principal():
            allowed = method.takes_people and _role_allowed(method, subject)
            if allowed and policy.HasField("step_up"):
                check_step_up(policy.step_up, subject, now)
        case ApiClient():
            allowed = method.takes_people and not subject.scopes.isdisjoint(policy.token_scopes)
        case HubIdentity():
            allowed = method.takes_hubs
        case Workload():
            allowed = policy.subject == options.SUBJECT_WORKLOAD
        case Anonymous():
            allowed = policy.subject == options.SUBJECT_ANONYMOUS
    if not allowed:
        raise PermissionDeniedError("the caller may not do this", reason="ROLE_NOT_ALLOWED")


def _role_allowed(method: Method, person: Principal) -> bool:
    return not person.roles.isdisjoint(method.roles)


def check_step_up(step_up: options.StepUp, person: Principal, now: datetime) -> None:
    """Refuse a login that is too weak, too old, or made for something else, and one that a thief could show as well."""
    if person.must_be_bound and not person.key_thumbprint:
        raise UnauthenticatedError("this needs a token that is bound to a key", reason="TOKEN_NOT_BOUND")
    oldest = now - timedelta(seconds=step_up.max_age_seconds)
    fresh = person.auth_time is not None and oldest <= person.auth_time <= now + LEEWAY
    strong = step_up.acr in person.acr_reached
    meant = not step_up.intent or any(each.get("type") == step_up.intent for each in person.intents)
    if not (fresh and strong and meant):
        raise StepUpRequiredError(
            "a fresh and strong login is needed",
            acr_values=step_up.acr,
            max_age=step_up.max_age_seconds,
            intent=step_up.intent,
        )


def refuse_missing_subject(method: Method) -> UnauthenticatedError:
    """Return the refusal of a call that says nothing about its subject."""
    kind = "an access token" if method.takes_people else "a Hub certificate"
    return UnauthenticatedError(f"{kind} is needed", reason="CREDENTIALS_MISSING")
