"""Owns reading configuration, once, from the environment and from files; knows no service's settings.

A configuration is a frozen dataclass whose fields are made by ``setting``. Fields that are such dataclasses themselves
are read in turn. Everything wrong is said in one ``ConfigError``. A ``Secret`` may come from the file that
``{NAME}_FILE`` names, and hides in ``repr``.
"""

from __future__ import annotations

import dataclasses
import os
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_BOOLEANS = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
_ENV, _PARSE = "ora.env", "ora.parse"
_REQUIRED: Any = dataclasses.MISSING


class ConfigError(Exception):
    """Every problem of a configuration, one a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the configuration is not usable:\n" + "\n".join(f"  - {each}" for each in problems))
        self.problems = problems


class _BothError(ValueError):
    """A value and a file for it; says no value."""


class Secret:
    """A value that is shown to nobody: ``repr`` and ``str`` hide it, ``reveal`` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, to hand it to what needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


def setting(name: str, *, default: Any = _REQUIRED, parse: Callable[[str], Any] | None = None) -> Any:
    """Declare the field that is read from ``name``; without a default it must be there."""
    return dataclasses.field(default=default, metadata={_ENV: name, _PARSE: parse})


def load(cls: type[T], environ: Mapping[str, str] | None = None) -> T:
    """Return ``cls`` read from the environment, or raise every problem at once."""
    problems: list[str] = []
    value = _load(cls, os.environ if environ is None else environ, problems)
    if problems:
        raise ConfigError(problems)
    return value


def _load(cls: type[T], environ: Mapping[str, str], problems: list[str]) -> T:
    hints, values, before = get_type_hints(cls), {}, len(problems)
    for each in dataclasses.fields(cls):  # type: ignore[arg-type]
        kind = hints[each.name]
        if _ENV not in each.metadata:
            if dataclasses.is_dataclass(kind):
                values[each.name] = _load(cast("type[Any]", kind), environ, problems)
            continue
        try:
            text = _text(each.metadata[_ENV], kind, environ)
            if text is not None:
                values[each.name] = (each.metadata[_PARSE] or _parser(kind))(text)
            elif each.default is dataclasses.MISSING:
                problems.append(f"{each.metadata[_ENV]} is missing")
        except (ValueError, OSError) as error:
            shown = type(error).__name__ if _is_secret(kind) and not isinstance(error, OSError | _BothError) else error
            problems.append(f"{each.metadata[_ENV]}: {shown}")
    if len(problems) > before:
        return None  # type: ignore[return-value]
    try:
        return cls(**values)
    except ValueError as error:
        problems.append(f"{cls.__name__}: {error}")
        return None  # type: ignore[return-value]


def _text(name: str, kind: Any, environ: Mapping[str, str]) -> str | None:
    text, file = environ.get(name) or None, environ.get(f"{name}_FILE") or None
    if file is None or not _is_secret(kind):
        return text
    if text is not None:
        raise _BothError(f"set {name} or {name}_FILE, not both")
    return Path(file).read_text(encoding="utf-8").removesuffix("\n")


def _is_secret(kind: Any) -> bool:
    return kind is Secret or Secret in get_args(kind)


def _parser(kind: Any) -> Callable[[str], Any]:
    if get_origin(kind) in (Union, UnionType):
        return _parser(next(each for each in get_args(kind) if each is not NoneType))
    if get_origin(kind) is tuple:
        inner = _parser(get_args(kind)[0])
        return lambda text: tuple(inner(each.strip()) for each in text.split(",") if each.strip())
    if kind is bool:
        return _boolean
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda text: _member(kind, text)
    return kind  # type: ignore[no-any-return]


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither true nor false") from None


def _member(kind: type[Enum], text: str) -> Enum:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is none of {', '.join(str(each.value) for each in kind)}") from None
