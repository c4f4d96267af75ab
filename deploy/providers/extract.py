"""Owns `schemas.json`, what the providers of `deploy/terraform` know of the types that it uses.

``python -m deploy.providers.extract`` downloads the bindings that HashiCorp made of the providers' own schemas, and
reads them. It is for whoever adds a resource of a new type, or goes over to a newer provider; checks need no download.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from devstack.bootstrap import ROOT

TERRAFORM: Final = ROOT / "deploy" / "terraform"
SCHEMAS: Final = Path(__file__).with_name("schemas.json")
# The bindings of each provider, and whether what nests in its resources is blocks; Cloudflare's are all attributes.
BINDINGS: Final = {
    "aws": ("cdktf-cdktf-provider-aws==21.22.1", True),
    "cloudflare": ("cdktf-cdktf-provider-cloudflare==13.9.1", False),
    "random": ("cdktf-cdktf-provider-random==12.0.1", True),
}
_USED: Final = re.compile(r'^(resource|data) "(([a-z]+)_[a-z0-9_]+)"', re.MULTILINE)
# What can only be read.
_COMPUTED: Final = re.compile(
    r"// (\w+) - computed: true, optional: false, required: false\s*"
    r"(?:get \w+\(\) \{\s*return (?:cdktf\.Fn\.tolist\()?this\.(\w+))?"
)
_PROPERTY: Final = re.compile(r"(?:this\._|struct\.)(\w)(\w*)")
_CLASS: Final = re.compile(r"^class (\w+) ", re.MULTILINE)
_WRITTEN: Final = re.compile(r"^( +)const attrs = \{(?:\};|\n(.*?)\n\1\};)", re.DOTALL | re.MULTILINE)
_ENTRY: Final = re.compile(
    r"^ +(\w+): \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n\s+storageClassType: \"(\w+)\",",
    re.MULTILINE,
)
_NESTED: Final = re.compile(r"(\w+)ToHclTerraform")
_SIMPLE: Final = {"string": "string", "number": "number", "boolean": "bool"}
_GETTERS: Final = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
}
_UNKNOWN: Final = "dynamic"

# Attributes by name: the type, and r(equired), o(ptional), c(omputed); and blocks by name.
Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """One file of the bindings: a resource, a data source or the provider."""

    text: str
    has_blocks: bool

    def block(self, name: str, body: str) -> Block:
        """Return one block: ``name`` of its class, ``body`` of what says how it is written."""
        own = self._class(name)
        made: Block = {"attributes": {}, "blocks": {}}
        for entry, value, is_block, kind, storage in _ENTRY.findall(body):
            required = f"    reset{_property(value)}() {{" not in own
            if is_block == "true" and self.has_blocks:
                made["blocks"][entry] = self._nested(value, kind, required=required)
            else:
                what = _UNKNOWN if is_block == "true" else _type(kind, storage)
                made["attributes"][entry] = [what, "r" if required else "oc"]
        for entry, getter in _COMPUTED.findall(own):
            if entry not in made["blocks"]:
                made["attributes"].setdefault(entry, [_GETTERS.get(getter, _UNKNOWN), "c"])
        return made

    def top(self) -> Block:
        """Return what the file is about: its last class."""
        name = [each for each in _CLASS.findall(self.text) if not each.endswith(("OutputReference", "List", "Map"))][-1]
        body = self.text.split("synthesizeHclAttributes()", 1)[1]
        return self.block(name, _written(body))

    def _nested(self, value: str, kind: str, *, required: bool) -> Block:
        found = _NESTED.findall(value)
        own = next(each for each in found if each not in {"string", "number", "boolean"})
        body = self.text.split(f"function {own}ToHclTerraform(", 1)[1]
        one = "listMapper" not in value
        return {
            "nesting": "single" if kind == "struct" else kind,
            "most": 1 if one and kind != "struct" else 0,
            "least": 1 if required and kind != "struct" else 0,
            **self.block(f"{own[0].upper()}{own[1:]}OutputReference", _written(body)),
        }

    def _class(self, name: str) -> str:
        _, _, rest = self.text.partition(f"\nclass {name} ")
        return rest.split("\nclass ", 1)[0]


def _written(text: str) -> str:
    """Return the first account of how a block is written."""
    found = _WRITTEN.search(text)
    return (found[2] if found else None) or ""


def _property(value: str) -> str:
    """Return the property that is written, with a capital."""
    found = _PROPERTY.search(value)
    return f"{found[1].upper()}{found[2]}" if found else ""


def _type(kind: str, storage: str) -> object:
    if kind == "simple":
        return _SIMPLE.get(storage, _UNKNOWN)
    inner = storage.removesuffix("List").removesuffix("Map")
    return [kind, _SIMPLE[inner]] if inner in _SIMPLE else _UNKNOWN


def used() -> dict[str, set[str]]:
    """Return the folders of the bindings that are needed, by provider."""
    found: dict[str, set[str]] = {each: set() for each in BINDINGS}
    for file in TERRAFORM.rglob("*.tf"):
        for kind, name, provider in _USED.findall(file.read_text()):
            stem = name.removeprefix(f"{provider}_").replace("_", "-")
            found[provider].add(f"data-{provider}-{stem}" if kind == "data" else stem)
    return found


def _read(provider: str, folders: set[str], scratch: Path) -> dict[str, Any]:
    package, has_blocks = BINDINGS[provider]
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), package]
    subprocess.run(fetch, check=True)
    (wheel,) = scratch.glob(f"*provider_{provider}-*.whl")
    made: dict[str, Any] = {"resources": {}, "data": {}}
    with zipfile.ZipFile(wheel) as outer:
        (inner,) = [each for each in outer.namelist() if each.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as files:
            wanted = {f"package/lib/{each}/index.js": each for each in (*folders, "provider")}
            for member in files:
                if member.name == "package/package.json":
                    made["version"] = json.loads(_text(files, member))["cdktf"]["provider"]["version"]
                elif member.name in wanted:
                    _put(made, provider, wanted[member.name], _Source(_text(files, member), has_blocks).top())
    return made


def _text(files: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    opened = files.extractfile(member)
    assert opened is not None, member.name  # noqa: S101 - a file is one
    return opened.read().decode()


def _put(made: dict[str, Any], provider: str, folder: str, block: Block) -> None:
    data = f"data-{provider}-"
    if folder == "provider":
        made["provider"] = block
        return
    block["attributes"].setdefault("id", ["string", "oc"])
    kind = "data" if folder.startswith(data) else "resources"
    made[kind][f"{provider}_{folder.removeprefix(data)}".replace("-", "_")] = block


def main() -> int:
    """Write the schemas."""
    with tempfile.TemporaryDirectory(prefix="ora-providers-") as scratch:
        made = {name: _read(name, folders, Path(scratch)) for name, folders in used().items()}
    SCHEMAS.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
