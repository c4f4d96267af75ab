"""A register of licences that knows the numbers a test gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesh.errors import UnavailableError
from portal_svc.domain.license import Answer, Verdict

if TYPE_CHECKING:
    from portal_svc.ports import Holder


class FakeRegister:
    """Knows numbers; every other is not found."""

    def __init__(self) -> None:
        self.known: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, Holder]] = []
        self.away = False

    async def check(self, jurisdiction: str, number: str, holder: Holder) -> Answer:
        """Return what is known."""
        self.asked.append((jurisdiction, number, holder))
        if self.away:
            raise UnavailableError("the register is away", reason="LICENSE_REGISTER_UNAVAILABLE")
        return self.known.get(number, Answer(verdict=Verdict.NOT_FOUND))
