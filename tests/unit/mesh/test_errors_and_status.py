from __future__ import annotations

import re
from datetime import timedelta

import grpc
import pytest
from google.rpc import code_pb2

from mesh import errors
from mesh.status import error_info, to_status


def _classes(base: type[errors.OraError]) -> set[type[errors.OraError]]:
    found = set(base.__subclasses__())
    return found.union(*(_classes(each) for each in found))


NAMED = sorted((each for each in _classes(errors.OraError) if not each.__name__.startswith("_")), key=str)


def test_codes_are_googles() -> None:
    assert {each.name: int(each) for each in errors.Code} == {
        name: number for name, number in code_pb2.Code.items() if number
    }
    assert {each.value for each in errors.Code} | {0} == {each.value[0] for each in grpc.StatusCode}


@pytest.mark.parametrize("kind", NAMED, ids=lambda each: each.__name__)
def test_every_failure_has_a_code_and_a_stable_reason(kind: type[errors.OraError]) -> None:
    assert kind.code in errors.Code
    assert re.fullmatch(r"[A-Z][A-Z0-9_]+[A-Z0-9]", kind.default_reason)
    status = to_status(_make(kind), trace_id="t")
    info = error_info(status)
    assert info
    assert (info.domain, info.reason) == ("ora", kind.default_reason)
    assert info.metadata["trace_id"] == "t"


def _make(kind: type[errors.OraError]) -> errors.OraError:
    if kind is errors.StepUpRequiredError:
        return errors.StepUpRequiredError("m", acr_values="a", max_age=1)
    return kind("m")


def test_variable_parts_are_metadata() -> None:
    error = errors.StateConflictError("no", reason="PROJECT_LOCKED", lock_epoch=3)
    info = error_info(to_status(error, trace_id=""))
    assert info
    assert dict(info.metadata) == {"lock_epoch": "3"}


def test_internal_error_tells_nothing_but_the_trace() -> None:
    status = to_status(errors.InternalError("canary", detail="canary"), trace_id="t")
    assert "canary" not in str(status)


def test_retry_is_told_where_it_is_known() -> None:
    for kind in (errors.UnavailableError, errors.ResourceExhaustedError):
        with_delay = to_status(kind("m", retry_after=timedelta(seconds=2)), trace_id="")
        types = [each.TypeName() for each in with_delay.details]
        assert "google.rpc.RetryInfo" in types
        assert "google.rpc.RetryInfo" not in [each.TypeName() for each in to_status(kind("m"), trace_id="").details]


def test_status_of_somebody_else_has_no_reason() -> None:
    status = to_status(errors.NotFoundError("m"), trace_id="")
    del status.details[:]
    assert error_info(status) is None
