"""Owns the names of what can be wrong with a backup. Wrong key, older key, damaged and truncated are four answers."""

from __future__ import annotations

from typing import ClassVar


class BackupError(Exception):
    """Something is wrong with a backup. `reason` is stable and fit for a log; the text is for people."""

    reason: ClassVar[str] = "BACKUP_ERROR"


class NotABackupError(BackupError):
    """The bytes do not begin as a container does."""

    reason = "NOT_A_BACKUP"


class UnsupportedError(BackupError):
    """A version, suite or content type that this version does not open."""

    reason = "UNSUPPORTED"


class WrongKeyError(BackupError):
    """The container is whole as far as it was read, and this Recovery Key never opened it."""

    reason = "WRONG_KEY"


class OlderKeyError(BackupError):
    """This Recovery Key was replaced by a newer one before the container was written."""

    reason = "OLDER_KEY"


class DamagedError(BackupError):
    """The bytes are not those that were written."""

    reason = "DAMAGED"


class TruncatedError(BackupError):
    """The bytes end before the container does."""

    reason = "TRUNCATED"


class TooLargeError(BackupError):
    """The content does not fit in the largest container."""

    reason = "TOO_LARGE"


class RecoveryKeyError(BackupError):
    """What was typed is no Recovery Key. `group` is where the mistake is likely: 1 to 7, or None."""

    reason = "RECOVERY_KEY"

    def __init__(self, text: str, *, group: int | None = None) -> None:
        super().__init__(text)
        self.group = group


class LayoutError(BackupError):
    """The plaintext is not what a backup may hold."""

    reason = "LAYOUT"


class ExportError(BackupError):
    """A controller's export is not in the form that it should have."""

    reason = "IMPORT"
