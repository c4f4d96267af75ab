"""`ora dev`, as firmware and mobile developers use it, and the demo."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import uuid
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from hubsim.hub import Hub, HubConfig
from tests import stack as stacks

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator

    from tests.stack import Stack


def dev(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return stacks.ora(stack.home.path, "dev", *arguments)


def told(stack: Stack, *arguments: str) -> Any:
    answer = dev(stack, *arguments)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture
def hub(stack: Stack) -> str:
    name = str(uuid.uuid4())
    told(stack, "enrol-hub", "--hub", name)
    return name


@asynccontextmanager
async def on_line(stack: Stack, name: str) -> AsyncIterator[list[str]]:
    """Run the enrolled Hub; give the events that it tells of."""
    host, _, port = stack.address("relay-1", "mqtt").rpartition(":")
    config = HubConfig(
        folder=stack.home.hubs / name,
        mqtt_host=host,
        mqtt_port=int(port),
        ca_file=Path(stack.file("edge_ca")),
        backoff_base_s=0.05,
        backoff_cap_s=0.2,
    )
    events: list[str] = []
    running = asyncio.create_task(Hub(config, on_event=lambda event: events.append(str(event["event"]))).run())
    try:
        async with asyncio.timeout(20):
            while "connected" not in events:  # noqa: ASYNC110 - the Hub tells us by no event of asyncio's
                await asyncio.sleep(0.02)
        yield events
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_text_goes_to_a_hub_and_its_answer_is_printed(stack: Stack, hub: str) -> None:
    told(stack, "consent", "give", "--hub", hub)
    assert dev(stack, "pair", "--hub", hub).returncode == 0
    async with on_line(stack, hub):
        listening = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "devstack.cli", "dev", "listen", "--hub", hub, "--count", "1"),
            env=stacks.environment(stack.home.path),
            stdout=asyncio.subprocess.PIPE,
        )
        assert listening.stdout is not None
        async with asyncio.timeout(30):
            assert json.loads(await listening.stdout.readline()) == {"attached": True, "hubConnected": True}
            sent = await asyncio.to_thread(told, stack, "send", "--hub", hub, "ping there")
            assert sent["outcome"] == "DELIVERED"
            assert json.loads(await listening.stdout.readline())["payload"] == "pong there"
            assert await listening.wait() == 0


async def test_withdrawal_and_revocation_end_the_session(stack: Stack, hub: str) -> None:
    told(stack, "consent", "give", "--hub", hub)
    async with on_line(stack, hub) as events, asyncio.timeout(20):
        held = await asyncio.to_thread(told, stack, "consent", "withdraw", "--hub", hub)
        assert held["capabilities"] == []
        while "refused" not in events:  # noqa: ASYNC110 - the Hub tells us by no event of asyncio's
            await asyncio.sleep(0.02)
    refused = dev(stack, "send", "--hub", hub, "anybody?")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["reason"] == "CONSENT_OFF"
    assert dev(stack, "revoke", "--hub", hub).stdout.strip() == f"hubs/{hub} is SUSPENDED"
    listed = x509.load_pem_x509_crl((stack.home.certificates / "hub-crl.pem").read_bytes())
    own = x509.load_pem_x509_certificates((stack.home.hubs / hub / "tls.crt").read_bytes())[0]
    assert own.serial_number in [each.serial_number for each in listed]
    assert dev(stack, "revoke", "--hub", hub, "--undo").stdout.strip() == f"hubs/{hub} is ACTIVE"


def test_what_is_kept_elsewhere_is_revoked_too(stack: Stack, tmp_path: Path) -> None:
    name = str(uuid.uuid4())
    files = told(stack, "enrol-hub", "--hub", name, "--out", str(tmp_path))
    own = x509.load_pem_x509_certificates(Path(files["certificate"]).read_bytes())[0]
    assert dev(stack, "revoke", "--hub", name).returncode == 0
    listed = x509.load_pem_x509_crl((stack.home.certificates / "hub-crl.pem").read_bytes())
    assert own.serial_number in [each.serial_number for each in listed]


def test_an_operator_revokes_by_the_same_way(stack: Stack, hub: str) -> None:
    own = x509.load_pem_x509_certificates((stack.home.hubs / hub / "tls.crt").read_bytes())[0]
    done = stacks.ora(stack.home.path, "fleet", "revoke", hub)
    assert done.returncode == 0, done.stderr
    listed = x509.load_pem_x509_crl((stack.home.certificates / "hub-crl.pem").read_bytes())
    assert own.serial_number in [each.serial_number for each in listed]


def test_one_capability_is_given_and_taken_without_the_others(stack: Stack, hub: str) -> None:
    told(stack, "consent", "give", "--hub", hub, "--capability", "TELEMETRY", "--capability", "RELAY")
    held = told(stack, "consent", "withdraw", "--hub", hub, "--capability", "RELAY")
    assert held["capabilities"] == ["CAPABILITY_TELEMETRY"]


def test_a_hub_that_keeps_its_key_is_certified_by_its_request(stack: Stack, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    (tmp_path / "hub.csr").write_bytes(request.public_bytes(serialization.Encoding.PEM))
    identity = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    name = str(uuid.uuid4())
    asked = ("enrol-hub", "--hub", name, "--out", str(tmp_path), "--csr", str(tmp_path / "hub.csr"))
    assert dev(stack, *asked).returncode == 2
    files = told(stack, *asked, "--identity", identity)
    assert "key" not in files
    leaf = x509.load_pem_x509_certificates(Path(files["certificate"]).read_bytes())[0]
    assert leaf.public_key() == key.public_key()


def test_the_same_hub_is_not_enrolled_twice_and_nothing_is_left_of_the_attempt(
    stack: Stack, hub: str, tmp_path: Path
) -> None:
    again = dev(stack, "enrol-hub", "--hub", hub, "--out", str(tmp_path))
    assert again.returncode == 1
    assert "HUB_EXISTS" in again.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_was_never_enrolled_is_named_in_one_line(stack: Stack) -> None:
    for arguments in (("send", "hello"), ("consent", "give"), ("pair",), ("listen",)):
        answer = dev(stack, *arguments, "--hub", str(uuid.uuid4()))
        assert answer.returncode == 1
        assert "ora dev enrol-hub" in answer.stderr
        assert "Traceback" not in answer.stderr


def test_a_token_is_one_word_and_its_claims_can_be_read(stack: Stack) -> None:
    token = dev(stack, "token", "--persona", "boss").stdout.strip()
    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert head["typ"] == "at+jwt"
    assert told(stack, "token", "--persona", "boss", "--claims")["role"] == ["org_admin", "electrician"]
    assert told(stack, "token", "--step-up", "--claims")["acr"] == "urn:voltex:acr:otp"


@pytest.mark.parametrize("intent", ["not json", "[]", "{}", '{"type": 3}'])
def test_an_intent_that_is_none_is_refused_before_anybody_is_asked(stack: Stack, intent: str) -> None:
    assert dev(stack, "token", "--intent", intent).returncode == 2


def test_the_dump_holds_the_database_and_redis(stack: Stack, hub: str) -> None:
    text = dev(stack, "dump").stdout
    assert "CREATE TABLE fleet.hub" in text
    assert hub in text
    assert '{"key": "ora:' in text


@pytest.mark.timeout(180)
def test_the_demo_verifies_every_step_and_leaves_nothing(tmp_path: Path) -> None:
    told = stacks.ora(tmp_path / "state", "demo")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "NOT SHOWN" not in told.stdout
    assert list(tmp_path.iterdir()) == []
