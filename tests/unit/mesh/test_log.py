from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from mesh import log
from mesh.config import Secret
from mesh.errors import NotFoundError
from mesh.redact import redacted, without_secrets
from tests.contract.scratch.compiled import pb

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "canary-1f9e"
SHOWN = pb.Thing(
    name="visible",
    owner_email=CANARY,
    token=CANARY,
    sealed=CANARY.encode(),
    hub_id=b"\x01\x02",
    part=pb.Part(note=CANARY, code="c1", key=CANARY),
    parts=[pb.Part(note=CANARY, code="c2")],
    named={CANARY: pb.Part(code=CANARY)},
    emails=[CANARY],
    blobs=[b"123", b"4567"],
)
SHOWN.create_time.FromDatetime(datetime(2026, 1, 2, tzinfo=UTC))
SHOWN.birthday.FromDatetime(datetime(1990, 1, 2, tzinfo=UTC))


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log.configure(service="toy", level="debug", node="n1")
    yield lambda: [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    root.handlers[:] = before
    root.setLevel(level)
    log._shape(service="", level="info", json=False)


def test_message_is_shown_by_its_classes() -> None:
    shown = redacted(SHOWN)
    assert CANARY not in str(shown)
    assert shown["name"] == "visible"
    assert shown["owner_email"] == "[PII]"
    assert shown["token"] == "[SECRET]"  # noqa: S105 - what is shown instead
    assert shown["sealed"] == f"[{len(CANARY)} bytes]"
    assert shown["hub_id"] == "0102"
    assert shown["part"] == {"note": "[UNSPECIFIED]", "code": "c1", "key": "[SECRET]"}
    assert shown["parts"] == [{"note": "[UNSPECIFIED]", "code": "c2"}]
    assert shown["named"] == "[1 entries]"
    assert shown["blobs"] == "[7 bytes]"
    assert "2026" in str(datetime.fromtimestamp(int(shown["create_time"].split()[1]), UTC))
    assert shown["birthday"] == "[PII]"


def test_fields_of_a_later_version_are_not_shown() -> None:
    newer = pb.Thing.FromString(b"\xfa\x7f\x0b" + CANARY.encode())
    assert redacted(newer) == {}


def test_secrets_are_taken_out_at_any_depth() -> None:
    kept = without_secrets(SHOWN)
    assert (kept.token, kept.part.key, kept.part.code, kept.owner_email) == ("", "", "c1", CANARY)
    assert SHOWN.token == CANARY


def test_line_has_its_place_and_no_payload(lines: Any) -> None:
    log.get("toy.module").info("a thing happened", thing=SHOWN, raw=CANARY.encode(), hub_id="h1")
    (line,) = lines()
    assert (line["event"], line["service"], line["node"], line["module"]) == (
        "a thing happened",
        "toy",
        "n1",
        "toy.module",
    )
    assert line["raw"] == f"[{len(CANARY)} bytes]"
    assert line["thing"]["name"] == "visible"
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize(
    "value",
    [
        Secret(CANARY),
        {"token": CANARY},
        [{"authorization": CANARY}],
        {"x": [SHOWN, CANARY.encode()]},
        ValueError(CANARY),
        memoryview(CANARY.encode()),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_must_not_be_shown_is_hidden_at_any_depth(lines: Any, value: Any) -> None:
    log.get("toy").info("x", value=value)
    assert CANARY not in json.dumps(lines())


def test_field_by_a_secret_name_is_hidden(lines: Any) -> None:
    log.get("toy").info("x", password=CANARY, token=CANARY, authorization=CANARY)
    (line,) = lines()
    assert line["password"] == line["token"] == line["authorization"] == "[redacted]"  # noqa: S105 - as above


def test_exception_is_its_type_and_places(lines: Any) -> None:
    try:
        raise ExceptionGroup("g", [ValueError(CANARY), NotFoundError("m", reason="HUB_UNKNOWN")])  # noqa: TRY301 - the frame is looked at
    except ExceptionGroup as error:
        log.get("toy").error("it failed", exc_info=error)
    (line,) = lines()
    assert line["error_type"] == "ExceptionGroup"
    assert line["error_at"][0].startswith("test_log.py:")
    assert "| ValueError" in line["error_at"]
    assert CANARY not in json.dumps(line)


def test_exception_being_handled_is_found(lines: Any) -> None:
    try:
        raise NotFoundError("m", reason="HUB_UNKNOWN")  # noqa: TRY301 - the frame is looked at
    except NotFoundError:
        log.get("toy").exception("it failed")
    assert lines()[0]["reason"] == "HUB_UNKNOWN"


def test_text_of_an_exception_is_shown_only_on_request(lines: Any) -> None:
    log.configure(service="toy", exception_text=True)
    log.get("toy").error("it failed", exc_info=ValueError("developer's text"))
    assert "developer's text" in lines()[0]["exception"]


def test_library_warnings_lose_their_arguments(lines: Any) -> None:
    logging.getLogger("lib").warning("got %s", CANARY)
    (line,) = lines()
    assert (line["module"], line["template"], line["level"]) == ("lib", "got %s", "warning")
    logging.getLogger("lib").info("quiet")
    assert lines() == []


def test_line_carries_its_trace(lines: Any) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        log.get("toy").info("x")
    assert lines()[0]["trace_id"] == f"{span.get_span_context().trace_id:032x}"


def test_process_that_is_not_configured_hides_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    local = CANARY
    try:
        raise ValueError(local)  # noqa: TRY301 - the frame is looked at
    except ValueError as error:
        log.get("toy").error("it failed", exc_info=error, thing=SHOWN)
    out = capsys.readouterr().out
    assert "it failed" in out
    assert CANARY not in out
