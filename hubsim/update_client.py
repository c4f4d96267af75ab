"""Owns a Hub's calls about its firmware at the Hub listener: the REST of FirmwareUpdateService and the downloads."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hubsim.slots import Booted

TIMEOUT_S: Final = 20.0
_FAR: Final = frozenset({429, 502, 503, 504})


class CloudAwayError(Exception):
    """The cloud cannot be asked now."""


class UpdateRefusedError(Exception):
    """The cloud did not do it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a Hub is, for ever."""

    hub: str
    """Its UUID as text."""
    hardware_model: str
    hardware_revision: int
    boot_loader_version: int = 1


@dataclass(slots=True)
class UpdateClient:
    """One Hub's way to its updates."""

    http: httpx.AsyncClient
    """With the Hub listener's base URL, and the Hub's certificate: another one after each renewal."""
    device: Device

    async def check(self, booted: Booted, *, director_sequence: int, hold_reason: str | None) -> dict[str, Any]:
        """Tell what runs, and ask whether there is something."""
        body: dict[str, Any] = {"boot": self._boot(booted), "directorSequence": str(director_sequence)}
        if hold_reason is not None:
            body["holdReason"] = f"HOLD_REASON_{hold_reason}"
        return await self._post(f"hubs/{self.device.hub}/updates:check", body)

    async def report(
        self,
        update: str,
        state: str,
        booted: Booted,
        *,
        failure: str = "",
        percent: int = 0,
        wait: str | None = None,
    ) -> None:
        """Tell where an update is, and the Hub's own reason to wait."""
        body = {"state": f"UPDATE_STATE_{state}", "boot": self._boot(booted), "downloadedPercent": percent}
        if failure:
            body["failure"] = f"UPDATE_FAILURE_{failure}"
        if wait is not None:
            body["holdReason"] = f"HOLD_REASON_{wait}"
        await self._post(f"{update}:report", body)

    async def request_permit(self, update: str, booted: Booted, *, nonce: bytes, lock_epoch: int) -> dict[str, Any]:
        """Ask for leave to install."""
        body = {"hubNonce": text(nonce), "lockEpoch": str(lock_epoch), "boot": self._boot(booted)}
        return await self._post(f"{update}:requestPermit", body)

    async def begin(self, update: str, permit_id: bytes) -> None:
        """Spend a permit."""
        await self._post(f"{update}:beginInstall", {"permitId": text(permit_id)})

    async def metadata(self, file: str) -> bytes | None:
        """Return a TUF file; None: there is none of this name."""
        answer = await self._send("GET", f"firmwareMetadata/{file}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else _good(answer).content

    async def image(self, digest: bytes, offset: int) -> AsyncIterator[bytes]:
        """Yield an image from ``offset`` on, as it comes."""
        path = f"/v1/firmwareArtefacts/{digest.hex()}:download"
        try:
            async with self.http.stream("GET", path, params={"offsetBytes": offset}, timeout=TIMEOUT_S) as answer:
                if answer.status_code != httpx.codes.OK:
                    await answer.aread()
                _good(answer)
                async for piece in answer.aiter_bytes():
                    yield piece
        except httpx.HTTPError as error:
            raise CloudAwayError(str(error)) from error

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = _good(await self._send("POST", path, body)).json()
        return document

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return await self.http.request(method, f"/v1/{path}", json=body, timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            raise CloudAwayError(str(error)) from error

    def _boot(self, booted: Booted) -> dict[str, Any]:
        return {
            "slot": f"SLOT_{booted.slot}",
            "bootCount": booted.boot_count,
            "firmwareSequence": str(booted.firmware_sequence),
            "firmwareVersion": booted.firmware_version,
            "hardwareModel": self.device.hardware_model,
            "hardwareRevision": self.device.hardware_revision,
            "bootLoaderVersion": self.device.boot_loader_version,
            "trial": booted.trial,
        }


def text(value: bytes) -> str:
    """Return bytes as Protobuf's JSON has them."""
    return base64.b64encode(value).decode()


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.status_code in _FAR:
        raise CloudAwayError(f"HTTP {answer.status_code}")
    if answer.status_code != httpx.codes.OK:
        try:
            reason = str(answer.json().get("reason", ""))
        except (ValueError, AttributeError):
            reason = ""
        raise UpdateRefusedError(answer.status_code, reason or f"HTTP_{answer.status_code}")
    return answer
