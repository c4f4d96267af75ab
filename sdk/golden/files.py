"""Owns how a vector lies on disk: `{name}.json` and `{name}.bin`, and what both say in every folder of proto/golden."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Facts = dict[str, object]

ROOT: Final = Path(__file__).resolve().parents[2] / "proto" / "golden"
FOLDERS: Final = (
    "envelope",
    "route_header",
    "record",
    "identifier",
    "backup",
    "recovery_key",
    "layout",
    "message",
    "access_key",
    "custody",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One vector. `facts` is what the JSON says beside name and about; `binary` is the wire object."""

    folder: str
    name: str
    about: str
    binary: bytes
    facts: Facts
    attachments: dict[str, bytes] = field(default_factory=dict)
    """Further files by suffix, for example `payload.bin`."""

    def files(self) -> dict[Path, bytes]:
        """Return the files of this vector, by path below the root."""
        document = {"name": self.name, "about": self.about, **self.facts}
        base = Path(self.folder)
        return {
            base / f"{self.name}.json": (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(),
            base / f"{self.name}.bin": self.binary,
        } | {base / f"{self.name}.{suffix}": content for suffix, content in self.attachments.items()}


def load(folder: str, root: Path = ROOT) -> list[Vector]:
    """Read every vector of a folder."""
    vectors = []
    for path in sorted((root / folder).glob("*.json")):
        facts: Facts = json.loads(path.read_text())
        stem = path.name.removesuffix(".json")
        attachments = {
            other.name.removeprefix(f"{stem}."): other.read_bytes()
            for other in path.parent.glob(f"{stem}.*")
            if other.name not in {f"{stem}.json", f"{stem}.bin"}
        }
        vectors.append(
            Vector(
                folder=folder,
                name=str(facts.pop("name")),
                about=str(facts.pop("about")),
                binary=path.with_suffix(".bin").read_bytes(),
                facts=facts,
                attachments=attachments,
            )
        )
    return vectors
