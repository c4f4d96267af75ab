"""Owns the path templates of ``google.api.http``: parse, match, order. Knows neither methods nor Envoy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# RFC 3986 unreserved characters only: no identifier of ours needs more, and nothing that two parsers could read
# differently (escapes, colons, semicolons) gets as far as the transcoder.
_SEGMENT: Final = "[A-Za-z0-9._~-]+"
_SEGMENTS: Final = "[A-Za-z0-9._~/-]+"
_VARIABLE: Final = re.compile(r"\{([a-z0-9_.]+)(?:=([^}]*))?\}")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._~-]+")


class TemplateError(ValueError):
    """The template is not one that we serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A path template: its segments with the variables resolved to their patterns, and its custom verb."""

    text: str
    segments: tuple[str, ...]
    verb: str
    variables: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template as it stands in a contract."""
        flat = _VARIABLE.sub(lambda found: found[2] or "*", text)
        path, _, verb = flat.partition(":")
        segments = tuple(path.removeprefix("/").split("/"))
        if not path.startswith("/") or not all(s in {"*", "**"} or _LITERAL.fullmatch(s) for s in segments):
            raise TemplateError(f"not a path template: {text}")
        if "**" in segments[:-1]:
            raise TemplateError(f"`**` is not last: {text}")
        variables = tuple((found[1], found[2] or "*") for found in _VARIABLE.finditer(text))
        return cls(text=text, segments=segments, verb=verb, variables=variables)

    @property
    def regex(self) -> str:
        """Return the regular expression that the whole path matches (RE2 and Python read it alike)."""
        wild = {"*": _SEGMENT, "**": _SEGMENTS}
        path = "".join("/" + (wild.get(segment) or re.escape(segment)) for segment in self.segments)
        return path + (f":{re.escape(self.verb)}" if self.verb else "")

    @property
    def rank(self) -> tuple[tuple[int, ...], str]:
        """Return the sort key that puts the more literal template first."""
        weight = {"*": 1, "**": 2}
        return tuple(weight.get(segment, 0) for segment in self.segments), self.text
