"""Owns asking Voltex ID's register about licences over HTTPS; a number is personal, so it travels in the body."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx

from mesh.errors import UnavailableError
from portal_svc.domain.license import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal_svc.ports import Holder

_SOON: Final = timedelta(minutes=1)
_SECONDS: Final = 5.0


class HttpRegister:
    """The register at an address; without one it cannot be asked."""

    def __init__(self, url: str, *, client: httpx.AsyncClient) -> None:
        self._url, self._client = url, client

    async def check(self, jurisdiction: str, number: str, holder: Holder) -> Answer:
        """Return what the register says."""
        if not self._url:
            raise _away()
        asked = {"jurisdiction": jurisdiction, "number": number, **_who(holder)}
        try:
            answer = await self._client.post(self._url, json=asked, timeout=_SECONDS)
            answer.raise_for_status()
            return _read(answer.json())
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise _away() from error


def _who(holder: Holder) -> dict[str, str]:
    if holder.business_number:
        return {"business_number": holder.business_number}
    return {"subject": holder.subject}


def _read(said: Mapping[str, Any]) -> Answer:
    expires = said.get("expires")
    return Answer(
        verdict=Verdict(said["verdict"]),
        license_class=str(said.get("class", ""))[:120],
        expire_time=datetime.fromisoformat(expires).astimezone(UTC) if expires else None,
        reference=str(said.get("reference", ""))[:64],
    )


def _away() -> UnavailableError:
    return UnavailableError(
        "the register of licences cannot be asked", reason="LICENSE_REGISTER_UNAVAILABLE", retry_after=_SOON
    )
