"""Owns the one folder where a stack keeps its state, and the names in it. Knows nothing of what runs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
_MARK: Final = "state of an Ora development stack; `ora reset` removes it\n"


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder: ``ORA_HOME``, or `.ora` in the project."""

    path: Path

    @property
    def authorities(self) -> Path:
        """Keys and certificates of the development CAs; no component reads them."""
        return self.path / "ca"

    @property
    def certificates(self) -> Path:
        """What components read: a folder for each workload, and the bundles that they trust."""
        return self.path / "certs"

    @property
    def logs(self) -> Path:
        """One file for each component."""
        return self.path / "logs"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.path / "postgres"

    @property
    def run(self) -> Path:
        """Configuration made for this run."""
        return self.path / "run"

    @property
    def hubs(self) -> Path:
        """Keys of the Hubs that `ora dev` enrolled."""
        return self.path / "hubs"

    @property
    def state(self) -> Path:
        """What runs now, and where."""
        return self.path / "state.json"

    @property
    def last_end(self) -> Path:
        """How the last run ended that nobody ended: what died, and what it said. Gone after a start that went well."""
        return self.path / "last-end.txt"

    def make(self) -> None:
        """Make the folder, readable by its owner alone but passable, so that PostgreSQL's user reaches its data."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711)
        for each in (self.authorities, self.certificates, self.logs, self.run, self.hubs):
            each.mkdir(exist_ok=True)
            each.chmod(0o700)
        (self.path / "ora-state").write_text(_MARK)

    def remove(self) -> bool:
        """Remove the folder, if it is one of ours; tell whether there was one."""
        if not self.path.exists():
            return False
        if not (self.path / "ora-state").exists():
            raise NotOurFolderError(f"{self.path} is not the state folder of a stack; remove it by hand if you mean to")
        shutil.rmtree(self.path)
        return True

    def secret(self, name: str) -> str:
        """Return a random password of this state, the same each time."""
        kept = self.path / "secrets.json"
        known: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            write_private(kept, json.dumps(known, indent=1))
        return known[name]


class NotOurFolderError(Exception):
    """The folder holds something else."""


def here() -> Home:
    """Return the state folder that the environment names."""
    return Home(Path(os.environ.get("ORA_HOME") or ROOT / ".ora").resolve())


def write_private(path: Path, text: str) -> None:
    """Replace a file by rename, readable by its owner alone from its first byte."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object of a file, or None if there is no file or it is no JSON."""
    try:
        loaded = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None
