"""Owns reading and writing resource names such as ``hubs/{hub}/backups/{backup}``: exact bytes, one spelling.

Ids are UUIDs in lower case. Everything else, a different case or an escaped character included, is no such name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mesh.errors import InvalidArgumentError
from mesh.ids import parse_uuid

if TYPE_CHECKING:
    from uuid import UUID

_LONGEST: Final = 512


class ResourceName:
    """One pattern. ``HUB = ResourceName("hubs/{hub}")``, then ``HUB.parse_one(text)`` and ``HUB.format(hub_id)``."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._segments = pattern.split("/")
        self.ids: tuple[str, ...] = tuple(each[1:-1] for each in self._segments if _is_id(each))
        if not self.ids or len(set(self.ids)) != len(self.ids) or not all(self._segments):
            raise ValueError(f"{pattern} is no pattern of a resource name")

    def parse(self, text: str, *, field: str = "name") -> tuple[UUID, ...]:
        """Return the ids in ``text``, in their order, or refuse ``field`` of the request."""
        found = self._match(text)
        if found is None:
            raise InvalidArgumentError.field(field, f"must be {self.pattern}, ids as lower-case UUIDs")
        return found

    def parse_one(self, text: str, *, field: str = "name") -> UUID:
        """Return the only id of a name that has one."""
        (found,) = self.parse(text, field=field)
        return found

    def format(self, *ids: UUID) -> str:
        """Return the name with these ids."""
        rest = iter(ids)
        name = "/".join(str(next(rest)) if _is_id(each) else each for each in self._segments)
        if len(ids) != len(self.ids):
            raise ValueError(f"{self.pattern} has {len(self.ids)} ids")
        return name

    def _match(self, text: str) -> tuple[UUID, ...] | None:
        given = text.split("/") if len(text) <= _LONGEST else []
        if len(given) != len(self._segments):
            return None
        found = []
        for segment, part in zip(self._segments, given, strict=True):
            if not _is_id(segment):
                if segment != part:
                    return None
                continue
            each = parse_uuid(part)
            if each is None:
                return None
            found.append(each)
        return tuple(found)


def _is_id(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")
