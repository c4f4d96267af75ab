"""A typed client is made of the document by a public generator, and the compiler knows what may be said with it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from devstack.bootstrap import API
from devstack.identity.providers import node
from tests.integration.gateway.fuzzing import DOCUMENT

if TYPE_CHECKING:
    from pathlib import Path

MODULES = API / "node_modules"
HEAD = 'import type { components, paths } from "./api";\n'
SEND = 'paths["/v1/hubs/{hub}/envelopes"]["post"]'
RIGHT = f"""
type Send = {SEND};
const body: Send["requestBody"]["content"]["application/json"] = {{ routeHeader: "AAAA", sealed: "AAAA" }};
const where: Send["parameters"]["path"] = {{ hub: "0190a5c2-7b4e-7c3a-9d1e-2f6b8a4c5d10" }};
type Answer = Send["responses"][200]["content"]["application/json"];
export const told = (answer: Answer): boolean => answer.outcome === "OUTCOME_DELIVERED";
type Refusal = Send["responses"][429]["content"]["application/problem+json"];
export const wait = (refusal: Refusal): number => refusal.retryAfterSeconds ?? 1;
type Records = components["schemas"]["ora.fleet.v1.HubRecords"];
export const epoch = (records: Records): bigint => BigInt(records.ownerEpoch ?? 0);
export {{ body, where }};
"""
WRONG = {
    "an outcome that there is not": f'type A = {SEND}["responses"][200]["content"]["application/json"];'
    'export const f = (answer: A): boolean => answer.outcome === "OUTCOME_EATEN";',
    "a required field left out": f'export const b: {SEND}["requestBody"]["content"]["application/json"] = '
    "{ routeHeader: 1 };",
    "a method that there is not": 'export const m: paths["/v1/hubs/{hub}/envelopes"]["delete"] = 1;',
}


def run(program: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [node(), str(program), *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    made = run(MODULES / "openapi-typescript" / "bin" / "cli.js", str(DOCUMENT), "-o", "api.d.ts", folder=folder)
    assert made.returncode == 0, made.stderr
    return folder


def compiled(folder: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    (folder / f"{name}.ts").write_text(HEAD + text)
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")
    return run(MODULES / "typescript" / "bin" / "tsc", *options, f"{name}.ts", folder=folder)


def test_a_typescript_client_compiles(client: Path) -> None:
    done = compiled(client, "right", RIGHT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_the_api_does_not_have_does_not_compile(client: Path, text: str) -> None:
    done = compiled(client, "wrong", text)
    assert done.returncode != 0
    assert "wrong.ts(2," in done.stdout
