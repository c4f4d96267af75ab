"""Owns what counts of this process's environment: that it speaks of development, and what components get of it."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVELOPMENT: Final = "dev"
_NAME: Final = "ORA_ENVIRONMENT"
# What a program needs to run at all.
_OF_THE_SYSTEM: Final = frozenset(
    {"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "USER"}
)
_SYSTEM_PREFIXES: Final = ("COVERAGE_", "LC_")
# What may be tuned for every component at once. No address and no key: a shell that is set up for another system must
# not lead a part of this one there.
_TUNING: Final = frozenset(
    {
        "ORA_DATABASE_POOL_MAX",
        "ORA_DATABASE_POOL_MIN",
        "ORA_DRAIN_SECONDS",
        "ORA_LOG_EXCEPTION_TEXT",
        "ORA_LOG_LEVEL",
        "ORA_OPEN_GATES",
        "ORA_OTLP_ENDPOINT",
        "ORA_TRACE_RATIO",
    }
)


class NotForDevelopmentError(Exception):
    """What is aimed at is not a development stack."""


def must_be_development() -> str:
    """Return the environment's name, which is that of development.

    Raises:
        NotForDevelopmentError: the environment speaks of another one.
    """
    named = os.environ.get(_NAME) or DEVELOPMENT
    if named != DEVELOPMENT:
        raise NotForDevelopmentError(
            f"NOT_FOR_DEVELOPMENT: {_NAME} is {named}, and `ora` works on development stacks alone; unset it"
        )
    return named


def of_component(own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a component: what it was given, and of ours what is on the lists."""
    ours = {name: value for name, value in os.environ.items() if _passes(name)}
    return {**ours, "PYTHONUNBUFFERED": "1", **own}


class NoRatioError(Exception):
    """A part of all requests is no such part."""

    def __init__(self, text: str) -> None:
        super().__init__(f"ORA_TRACE_RATIO is {text!r}; give a number from 0 to 1, or unset it")


def tracing() -> dict[str, float]:
    """Return how many requests the gateway traces, where ours says it: who begins a trace decides for all."""
    text = os.environ.get("ORA_TRACE_RATIO")
    if not text:
        return {}
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if not 0 <= ratio <= 1:
        raise NoRatioError(text)
    return {"trace_ratio": ratio}


def _passes(name: str) -> bool:
    return name in _OF_THE_SYSTEM or name in _TUNING or name.startswith(_SYSTEM_PREFIXES)
