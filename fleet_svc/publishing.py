"""Owns publishing: an offline file, the online files that follow it, and what it signs, in one transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fleet_svc import tuf_files
from fleet_svc.store import artefacts, metadata_files, releases
from mesh.errors import StateConflictError

if TYPE_CHECKING:
    from datetime import datetime

    from fleet_svc.domain.release import Listed, Release
    from fleet_svc.tuf_files import File, OnlineKey
    from mesh.db import Tx

# How long before their end the online files are made anew.
_RENEW_SNAPSHOT: Final = timedelta(days=3)
_RENEW_TIMESTAMP: Final = timedelta(hours=12)


class Publisher:
    """Publishes with the online key of this process."""

    def __init__(self, key: OnlineKey | None) -> None:
        self._key = key

    async def root(self, tx: Tx, content: bytes, *, now: datetime) -> File:
        """Publish the next root; the online files of before may be of keys that it no longer names."""
        await metadata_files.lock(tx)
        held = await metadata_files.newest(tx, "root")
        root = tuf_files.read_root(content, current=tuf_files.root_of(held.content) if held else None, now=now)
        if not self._online().is_named_by(root.signed):
            raise StateConflictError("the root names other online keys than ours", reason="ONLINE_KEY_UNKNOWN")
        file = tuf_files.file_of("root", root, content)
        await metadata_files.insert(tx, file, now=now)
        targets = await metadata_files.newest(tx, "targets")
        if targets is not None:
            await self._snapshot(tx, targets, now=now)
        return file

    async def targets(self, tx: Tx, content: bytes, *, now: datetime) -> tuple[File, list[Release]]:
        """Publish the next targets; return them and the releases that they sign."""
        await metadata_files.lock(tx)
        root = await metadata_files.newest(tx, "root")
        if root is None:
            raise StateConflictError("there is no root yet", reason="ROOT_MISSING")
        held = await metadata_files.newest(tx, "targets")
        targets = tuf_files.read_targets(
            content, root=tuf_files.root_of(root.content), current=held.version if held else 0, now=now
        )
        listed = tuf_files.listed(targets.signed)
        file = tuf_files.file_of("targets", targets, content)
        await metadata_files.insert(tx, file, now=now)
        await self._snapshot(tx, file, now=now)
        return file, await _sign_releases(tx, listed, targets_version=file.version, now=now)

    async def renew(self, tx: Tx, *, now: datetime) -> bool:
        """Make the online files anew if their end is near; tell whether it was. A node without the key leaves it."""
        if self._key is None:
            return False
        await metadata_files.lock(tx)
        targets = await metadata_files.newest(tx, "targets")
        snapshot = await metadata_files.newest(tx, "snapshot")
        timestamp = await metadata_files.newest(tx, "timestamp")
        if targets is None or snapshot is None or timestamp is None:
            return False
        if snapshot.expire_time < now + _RENEW_SNAPSHOT:
            await self._snapshot(tx, targets, now=now)
            return True
        if timestamp.expire_time < now + _RENEW_TIMESTAMP:
            await self._timestamp(tx, snapshot, now=now)
            return True
        return False

    async def _snapshot(self, tx: Tx, targets: File, *, now: datetime) -> None:
        held = await metadata_files.newest(tx, "snapshot")
        made = self._online().snapshot(targets, version=held.version + 1 if held else 1, now=now)
        await metadata_files.insert(tx, made, now=now)
        await self._timestamp(tx, made, now=now)

    async def _timestamp(self, tx: Tx, snapshot: File, *, now: datetime) -> None:
        held = await metadata_files.newest(tx, "timestamp")
        made = self._online().timestamp(snapshot, version=held.version + 1 if held else 1, now=now)
        await metadata_files.insert(tx, made, now=now)

    def _online(self) -> OnlineKey:
        if self._key is None:
            raise StateConflictError("this node has no key for the online roles", reason="ONLINE_KEY_MISSING")
        return self._key


async def _sign_releases(tx: Tx, listed: dict[bytes, Listed], *, targets_version: int, now: datetime) -> list[Release]:
    ready = await artefacts.lengths(tx, list(listed))
    true = {digest: each for digest, each in listed.items() if ready.get(digest) == each.length_bytes}
    signed = []
    for draft in await releases.lock_drafts(tx):
        release = draft.sign(true, targets_version=targets_version, now=now)
        if release is not draft:
            await releases.save(tx, release)
            signed.append(release)
    return signed
