"""Owns the judgement of descriptors by the house's rules; each rule returns what it found wrong, best nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from buf.validate import validate_pb2
from google.api import annotations_pb2, field_behavior_pb2
from ora.options.v1 import options_pb2

from tests.contract.image import Field, File, Files, MessageType, Method, enums, is_leaf, messages, methods, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKLOADS: Final = frozenset({"gateway", "relay", "fleet", "portal", "ingest", "backup", "operator", "bridge"})
PEOPLE: Final = frozenset({options_pb2.SUBJECT_PERSON, options_pb2.SUBJECT_PERSON_OR_HUB})
REPEATABLE: Final = frozenset({options_pb2.IDEMPOTENCY_READ_ONLY, options_pb2.IDEMPOTENCY_NATURAL})
ID_BYTES: Final = 16
SHORT_IDS: Final = {"key_id": 8}
VARIABLE: Final = re.compile(r"\{([a-z0-9_.]+)")
# A pattern that is anchored and repeats nothing without end is a bound.
_ATOMS: Final = re.compile(r"\\.|\[[^\]]*\]")
_ENDLESS: Final = re.compile(r"[*+]|,\}")


# Policies.


def policies(files: Files) -> list[str]:
    """Find RPCs whose policy is absent or says something that cannot be meant."""
    inputs = {f".{name}": message for name, message in messages(files)}
    return [
        f"{name}: {problem}"
        for name, method in methods(files)
        for problem in _policy(method, inputs[method.input_type])
    ]


def _policy(method: Method, request: MessageType) -> Iterator[str]:
    if not method.options.HasExtension(options_pb2.policy):
        yield "has no policy"
        return
    policy = method.options.Extensions[options_pb2.policy]
    yield from _callers(policy)
    yield from _subject(policy)
    yield from _effort(policy, streams=method.client_streaming or method.server_streaming)
    yield from _repetition(policy, method, request)
    yield from _rest(policy, method, request)


def _callers(policy: options_pb2.MethodPolicy) -> Iterator[str]:
    if not policy.callers:
        yield "names no callers"
    if unknown := set(policy.callers) - WORKLOADS:
        yield f"names workloads that do not exist: {sorted(unknown)}"
    if len(set(policy.callers)) < len(policy.callers):
        yield "names a caller twice"


def _subject(policy: options_pb2.MethodPolicy) -> Iterator[str]:
    if policy.subject not in options_pb2.Subject.values() or not policy.subject:
        yield "names no subject"
    if (policy.subject in PEOPLE) != bool(policy.roles) or options_pb2.ROLE_UNSPECIFIED in policy.roles:
        yield "roles belong to people, and people need them"
    if policy.subject == options_pb2.SUBJECT_WORKLOAD and "gateway" in policy.callers:
        yield "the gateway never calls on its own account"
    if policy.HasField("step_up"):
        if policy.subject != options_pb2.SUBJECT_PERSON:
            yield "only a person can step up"
        if not (policy.step_up.acr and policy.step_up.max_age_seconds and policy.step_up.intent):
            yield "a step-up says how strong, how fresh and what for"
        if policy.audit != options_pb2.AUDIT_CLASS_EVIDENCE:
            yield "what needs a step-up is audited with its evidence"
    if policy.token_scopes and policy.subject not in PEOPLE:
        yield "token scopes stand in place of a person"


def _effort(policy: options_pb2.MethodPolicy, *, streams: bool) -> Iterator[str]:
    if policy.rate_class not in options_pb2.RateClass.values() or not policy.rate_class:
        yield "names no rate class"
    if "gateway" in policy.callers and policy.rate_class == options_pb2.RATE_CLASS_NONE:
        yield "what comes from outside has a limit"
    if not streams and not policy.deadline_ms:
        yield "a unary method needs a deadline"
    if policy.audit not in options_pb2.AuditClass.values() or not policy.audit:
        yield "names no audit class"


def _repetition(policy: options_pb2.MethodPolicy, method: Method, request: MessageType) -> Iterator[str]:
    if policy.idempotency not in options_pb2.Idempotency.values() or not policy.idempotency:
        yield "names no idempotency"
    by_id = policy.idempotency == options_pb2.IDEMPOTENCY_REQUEST_ID
    request_id = next((field for field in request.field if field.name == "request_id"), None)
    if by_id and (method.client_streaming or request_id is None):
        yield "has no request_id to be idempotent by"
    if not by_id and request_id is not None:
        yield "carries a request_id that its policy does not use"
    if request_id is not None and not (request_id.type == Field.TYPE_STRING and _rules(request_id).string.uuid):
        yield "a request_id is a UUID"


def _rest(policy: options_pb2.MethodPolicy, method: Method, request: MessageType) -> Iterator[str]:
    has_rule = method.options.HasExtension(annotations_pb2.http)
    if has_rule != ("gateway" in policy.callers):
        yield "an HTTP rule and the caller gateway come together"
    if not has_rule:
        return
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    path = getattr(rule, verb) if verb else ""
    fields = {field.name: field for field in request.field}
    if not path.startswith("/v1/"):
        yield "its path does not begin with the version"
    if unknown := [name for name in VARIABLE.findall(path) if name.partition(".")[0] not in fields]:
        yield f"its path names fields that it does not have: {unknown}"
    if rule.body not in {"", "*"} and rule.body not in fields:
        yield f"its body is a field that it does not have: {rule.body}"
    if verb == "get" and policy.idempotency not in REPEATABLE:
        yield "a GET can be repeated"
    if policy.subject == options_pb2.SUBJECT_HUB and not (
        {"hub", "name", "parent"} & {name.rpartition(".")[2] for name in VARIABLE.findall(path)}
    ):
        yield "a Hub's path names the Hub"


def undocumented(files: Files) -> list[str]:
    """Find RPCs whose comment does not say who may call; needs descriptors with comments."""
    found = []
    for file in ours(files):
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        for s, service in enumerate(file.service):
            for m, method in enumerate(service.method):
                text = " ".join(comments.get((6, s, 2, m), "").split())
                if not text.startswith(f"{method.name} ") or "Called by " not in text:
                    found.append(f"{file.package}.{service.name}.{method.name}")
    return found


# Classes, sizes, names.


def _rules(field: Field) -> validate_pb2.FieldRules:
    return field.options.Extensions[validate_pb2.field]


def unclassified(files: Files) -> list[str]:
    """Find leaf fields that have no data class, of their own or from their message."""
    return [
        f"{name}.{field.name}"
        for name, message in messages(files)
        for field in message.field
        if is_leaf(field)
        and not field.options.Extensions[options_pb2.data_class]
        and not message.options.Extensions[options_pb2.default_class]
    ]


def unbounded(files: Files) -> list[str]:
    """Find text, bytes, lists and maps without an upper bound."""
    return [
        f"{name}.{field.name}: {problem}"
        for name, message in messages(files)
        for field in message.field
        for problem in _bounds(field)
    ]


def _bounds(field: Field) -> Iterator[str]:
    rules = _rules(field)
    if field.label == Field.LABEL_REPEATED:
        is_map = rules.WhichOneof("type") == "map"
        if not (rules.map.max_pairs if is_map else rules.repeated.max_items):
            yield "holds any number of items"
        rules = rules.repeated.items
    text, data = rules.string, rules.bytes
    sized = text.len or text.max_len or text.uuid or getattr(text, "in") or _finite(text.pattern)
    if field.type == Field.TYPE_STRING and not sized:
        yield "is text of any length"
    if field.type == Field.TYPE_BYTES and not (data.len or data.max_len or getattr(data, "in")):
        yield "is bytes of any length"


def _finite(pattern: str) -> bool:
    anchored = pattern.startswith("^") and pattern.endswith("$")
    return anchored and not _ENDLESS.search(_ATOMS.sub("x", pattern))


def misnamed(files: Files) -> list[str]:
    """Find ids, names and page fields that are not as everywhere else."""
    return [
        f"{name}.{field.name}: {problem}"
        for name, message in messages(files)
        for field in message.field
        for problem in _naming(message, field)
    ]


def _naming(message: MessageType, field: Field) -> Iterator[str]:
    rules = _rules(field)
    if field.label == Field.LABEL_REPEATED:
        rules = rules.repeated.items
    if field.type == Field.TYPE_BYTES and re.search(r"_ids?$", field.name):
        size = SHORT_IDS.get(field.name, ID_BYTES)
        if size not in {rules.bytes.len, rules.bytes.max_len}:
            yield f"an id is {size} bytes"
    request = message.name.endswith("Request")
    required = field_behavior_pb2.REQUIRED in field.options.Extensions[field_behavior_pb2.field_behavior]
    if request and required and field.type == Field.TYPE_STRING and field.name in {"name", "parent", "hub"}:
        whole = rules.string.prefix and rules.string.len
        anchored = rules.string.pattern.startswith("^") and rules.string.pattern.endswith("$")
        if not (whole or anchored):
            yield "a resource name has a known form"
    if request and message.name.startswith("List"):
        names = {each.name for each in message.field}
        if field.number == 1 and not {"page_size", "page_token"} <= names:
            yield "a list has pages"
    if field.name == "page_size" and not (rules.uint32.lte or (rules.int32.lte and rules.int32.HasField("gte"))):
        yield "a page has a greatest size"


# What the cloud must never hold.

FORBIDDEN: Final = (
    "fabric",
    "ipk",
    "identity protection key",
    "noc",
    "icac",
    "rcac",
    "acl",
    "access control list",
    "operational key",
    "private key",
    "passcode",
    "pin code",
    "setup code",
    "setup pin",
    "setup payload",
    "pairing code",
    "manual code",
    "discriminator",
    "password",
    "device state",
    "attribute value",
    "on off",
    "cluster",
    "camera",
    "microphone",
    "occupancy",
    "occupied",
    "motion",
    "contact sensor",
    "persona",
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words(name: str) -> str:
    """Return a name in any spelling as lower-case words with a space around each."""
    return f" {' '.join(_WORD.findall(name)).lower()} "


def says(name: str, phrases: tuple[str, ...]) -> list[str]:
    """Return the phrases that a name holds as whole words, also in the plural."""
    spoken = words(name)
    return [phrase for phrase in phrases if f" {phrase} " in spoken or f" {phrase}s " in spoken]


def forbidden(files: Files, phrases: tuple[str, ...] = FORBIDDEN) -> list[str]:
    """Find declared names of anything that the cloud must never hold (security-privacy P8)."""
    return [f"{name}: {found}" for name in _names(files) if (found := says(name.rpartition(".")[2], phrases))]


def _names(files: Files) -> Iterator[str]:
    for name, message in messages(files):
        yield name
        yield from (f"{name}.{field.name}" for field in message.field)
        yield from (f"{name}.{oneof.name}" for oneof in message.oneof_decl)
    for name, enum in enums(files):
        if enum.name == "DropReason":  # it names what is dropped, and holds none of it
            continue
        yield name
        yield from (f"{name}.{value.name}" for value in enum.value)
    for file in ours(files):
        yield from (f"{file.package}.{service.name}" for service in file.service)
    yield from (name for name, _ in methods(files))


def file_of(files: Files, name: str) -> File:
    """Return one file by its import name."""
    return next(file for file in files.file if file.name == name)
