"""Schemathesis, a public fuzzer of OpenAPI documents, run as anybody runs it: a command, an address and a token.

`ORA_FUZZ_EXAMPLES` says how many cases each operation gets (`make fuzz-api` asks for many); unset, a run is short.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENT = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"
LONG = "ORA_FUZZ_EXAMPLES" in os.environ
# Left out: whether what the document allows is accepted (some rules of the contract go beyond a schema), and whether
# what it forbids is refused (JSON's null, an empty body and base64 are read generously; docs/adr/0041 says how).
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "allow_header_conformance",
    "ignored_auth",
)
SCHEMA = "response_schema_conformance"


def operations(door: str) -> dict[str, str]:
    """Return the operations of a door: their ids, and the service of each."""
    found: dict[str, str] = {}
    for methods in json.loads(DOCUMENT.read_text())["paths"].values():
        for operation in methods.values():
            if door in operation["x-ora-doors"]:
                found[operation["operationId"]] = operation["tags"][0]
    return found


def run(
    address: str,
    trust: Path,
    *,
    token: str = "",
    client: Path | None = None,
    only: Iterable[str],
    checks: Iterable[str],
    examples: int,
    phases: str = "fuzzing",
) -> None:
    """Fuzz the operations ``only``; fail with what was found."""
    config = trust.with_name("schemathesis.toml")
    config.write_text("")  # the usual settings, whatever lies in the current folder
    command = [str(Path(sys.executable).parent / "schemathesis"), "--no-color", "--config-file", str(config)]
    command += ["run", str(DOCUMENT), "--url", address, "--tls-verify", str(trust), "--checks", ",".join(checks)]
    command += ["--phases", "coverage,fuzzing" if LONG else phases, "--continue-on-failure", "--no-shrink"]
    command += ["--max-examples", os.environ.get("ORA_FUZZ_EXAMPLES", str(examples)), "--request-timeout", "20"]
    command += [part for each in only for part in ("--include-operation-id", each)]
    command += [] if LONG else ["--seed", "1"]
    command += ["--header", f"Authorization: Bearer {token}"] if token else []
    if client is not None:
        command += ["--request-cert", str(client / "tls.crt"), "--request-cert-key", str(client / "tls.key")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=trust.parent)
    short = "\n".join(line[:300] for line in done.stdout.splitlines()[-200:])
    assert done.returncode == 0, short + done.stderr[-2000:]
