"""The next certificate: asked for with the same request until it is there, and in place with its key or not at all."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hubsim.renewal import Renewal
from hubsim.update_client import CloudAwayError, UpdateRefusedError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, tzinfo=UTC)
AUTHORITY = ec.generate_private_key(ec.SECP256R1())


def certified(key: ec.EllipticCurvePublicKey, *, start: datetime = NOW) -> x509.Certificate:
    name = x509.Name([])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .sign(AUTHORITY, hashes.SHA256())
    )


class Cloud:
    """Signs whatever it is asked for, and may lose its answer."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.loses = False
        self.status = 200

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url="https://hub", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        csr = base64.b64decode(json.loads(request.content)["csrDer"])
        self.requests.append(csr)
        if self.loses:
            raise httpx.ReadError("lost")
        key = x509.load_der_x509_csr(csr).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        chain = [base64.b64encode(certified(key).public_bytes(Encoding.DER)).decode()]
        return httpx.Response(self.status, json={"chainDer": chain, "renewAfterTime": "2026-12-15T00:00:00Z"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tls.key").write_bytes(pem)
    (tmp_path / "tls.crt").write_bytes(certified(key.public_key()).public_bytes(Encoding.PEM))
    return tmp_path


def fits(folder: Path) -> bool:
    """Say whether key and certificate belong together, as the TLS library does."""
    import ssl  # noqa: PLC0415 - here alone

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(folder / "tls.crt", folder / "tls.key")
    except ssl.SSLError:
        return False
    return True


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_it_is_time_when_two_thirds_are_over(folder: Path) -> None:
    assert not Renewal(folder, lambda: NOW + timedelta(days=19)).due()
    assert Renewal(folder, lambda: NOW + timedelta(days=20)).due()


async def test_a_new_key_and_its_certificate_are_in_place(folder: Path) -> None:
    before = (folder / "tls.key").read_bytes()
    await Renewal(folder).renew(Cloud().http(), "hub")
    assert (folder / "tls.key").read_bytes() != before
    assert fits(folder)
    assert names_in(folder) == ["tls.crt", "tls.key", "tls.renew"]
    assert not Renewal(folder, lambda: datetime(2026, 12, 14, tzinfo=UTC)).due()
    assert Renewal(folder, lambda: datetime(2026, 12, 15, tzinfo=UTC)).due()


async def test_a_lost_answer_is_asked_for_with_the_same_request(folder: Path) -> None:
    cloud, renewal = Cloud(), Renewal(folder)
    cloud.loses = True
    with pytest.raises(CloudAwayError):
        await renewal.renew(cloud.http(), "hub")
    assert fits(folder)
    cloud.loses = False
    await renewal.renew(cloud.http(), "hub")
    assert (len(cloud.requests), len(set(cloud.requests))) == (2, 1)
    assert fits(folder)


async def test_a_refusal_leaves_what_is_there(folder: Path) -> None:
    cloud, before = Cloud(), (folder / "tls.crt").read_bytes()
    cloud.status = 403
    with pytest.raises(UpdateRefusedError):
        await Renewal(folder).renew(cloud.http(), "hub")
    assert ((folder / "tls.crt").read_bytes(), fits(folder)) == (before, True)


@pytest.mark.parametrize("cut", [0, 1])
async def test_a_cut_of_power_between_two_renames_is_mended_at_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    from pathlib import Path as _Path  # noqa: PLC0415 - the class that is patched

    real, done = _Path.replace, [0]

    def replace(path: Path, target: Path) -> Path:
        if path.suffix == ".next":
            if done[0] == cut:
                raise OSError("the power is gone")
            done[0] += 1
        return real(path, target)

    monkeypatch.setattr(_Path, "replace", replace)
    with pytest.raises(OSError, match="power"):
        await Renewal(folder).renew(Cloud().http(), "hub")
    monkeypatch.undo()
    before = (folder / "tls.crt").read_bytes()
    Renewal(folder).settle()
    assert fits(folder)
    assert (folder / "tls.crt").read_bytes() != before
