"""Which certificates open a session, and what a TLS client that is none of ours gets."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from devstack import authority as ca
from relay.routing.certificate import CertificateUnreadableError, read_certificate
from relay.wire.codec import encode
from relay.wire.connect import Connect
from tests.certs import BOTH, CLIENT, LIFE, Folder, client_context

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.relay.world import World

HUB = "0192d1c0-5f3e-7cc1-8000-0242ac120002"
SERVER = (ca.SERVER,)
NOW = datetime.now(UTC)


async def connack(
    world: World, tls: str | ssl.SSLContext, hub: str, port: int | None = None, server: str = "localhost"
) -> bytes:
    """Return what the relay says to a CONNECT; nothing when it closes before."""
    try:
        context = world.tls(tls) if isinstance(tls, str) else tls
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port or world.mqtt_port, ssl=context, server_hostname=server
        )
        writer.write(encode(Connect(version=5, client_id=hub), 5))
        async with asyncio.timeout(5):
            answer = await reader.read(4)
        writer.close()
    except (OSError, ssl.SSLError):
        return b""
    return answer


async def test_a_good_certificate_opens_a_session(world: World) -> None:
    hub = world.hub()
    assert (await connack(world, str(hub), str(hub)))[3] == 0


async def test_certificates_that_open_nothing(world: World) -> None:
    hub = str(world.hub())
    own, other = ca.uri(f"urn:uuid:{hub}"), ca.uri(f"urn:uuid:{uuid.uuid4()}")
    strangers = ca.root("strangers", NOW)
    cases = {
        "wrong authority": {"names": [own], "authority": strangers},
        "authority of the mesh": {"names": [own], "authority": world.folder.mesh},
        "expired": {"names": [own], "now": NOW - timedelta(days=3), "life": timedelta(days=1)},
        "not yet valid": {"names": [own], "now": NOW + timedelta(days=1)},
        "for servers": {"names": [own], "usages": SERVER},
        "no usage of ours": {"names": [own], "usages": (x509.ObjectIdentifier("1.3.6.1.5.5.7.3.4"),)},
        "two names": {"names": [own, other]},
        "a DNS name beside it": {"names": [own, ca.dns("hub")]},
        "upper case": {"names": [ca.uri(f"urn:uuid:{hub.upper()}")]},
        "upper-case scheme": {"names": [ca.uri(f"URN:UUID:{hub}")]},
        "braces": {"names": [ca.uri(f"urn:uuid:{{{hub}}}")]},
        "a tail": {"names": [ca.uri(f"urn:uuid:{hub}/x")]},
        "a DNS name only": {"names": [ca.dns(hub)]},
        "another scheme": {"names": [ca.uri(f"https://ora/{hub}")]},
        "a workload": {"names": [ca.uri("spiffe://ora/relay")]},
        "the bridge": {"names": [ca.uri("spiffe://ora/bridge")]},
    }
    for name, made in cases.items():
        world.folder.client(name, **made)  # type: ignore[arg-type]
        assert await connack(world, name, hub) == b"", name
    # A leaf that signs another is no authority.
    folder = world.folder.hub(hub)
    signer = ca.load((folder / "tls.crt").read_bytes(), (folder / "tls.key").read_bytes())
    world.folder.client("from a leaf", names=[own], authority=signer)
    assert await connack(world, "from a leaf", hub) == b""
    assert (await connack(world, hub, hub))[3] == 0


async def test_a_certificate_of_another_hub_cannot_take_this_session(world: World) -> None:
    mine, other = world.hub(), world.hub()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", world.mqtt_port, ssl=world.tls(str(mine)), server_hostname="localhost"
    )
    writer.write(encode(Connect(version=5, client_id=str(mine), clean_start=False), 5))
    await reader.read(100)
    assert (await connack(world, str(other), str(mine)))[3] == 0x85
    writer.write(b"\xc0\x00")
    assert await reader.readexactly(2) == b"\xd0\x00"
    writer.close()


async def test_no_certificate_no_session(world: World) -> None:
    context = ssl.create_default_context(cafile=world.folder.path / "edge-ca.pem")
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", world.mqtt_port, ssl=context, server_hostname="localhost"
    )
    writer.write(encode(Connect(version=5, client_id=HUB), 5))
    with pytest.raises(ssl.SSLError, match=r"CERTIFICATE_REQUIRED|certificate required"):
        await reader.read(1)
    writer.close()


async def test_older_versions_of_tls_are_refused(world: World) -> None:
    hub = str(world.hub())
    context = world.tls(hub)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"):
        await asyncio.open_connection("127.0.0.1", world.mqtt_port, ssl=context, server_hostname="localhost")


async def test_a_revoked_certificate_is_refused_once_the_list_says_so(world: World) -> None:
    hub = str(world.hub())
    serial = x509.load_pem_x509_certificate((world.folder.path / hub / "tls.crt").read_bytes()).serial_number
    assert (await connack(world, hub, hub))[3] == 0
    world.folder.revoke(serial)
    # The listener looks at its files every five seconds.
    await asyncio.sleep(6.5)
    assert await connack(world, hub, hub) == b""
    other = str(world.hub())
    assert (await connack(world, other, other))[3] == 0


async def test_the_door_for_bridges_lets_only_the_bridge_in(world: World) -> None:
    hub = str(world.hub())
    for name, opens in (("bridge", True), ("operator", False), (hub, False)):
        context = client_context(world.folder.path / name, world.folder.path / "mesh-ca.pem")
        assert bool(await connack(world, context, "b1", world.bridge_port, "relay")) is opens, name


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def der(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert((path / "tls.crt").read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n")


def test_facts_of_a_certificate(folder: Folder) -> None:
    read = read_certificate(der(folder.hub(HUB)))
    known = x509.load_der_x509_certificate(der(folder.path / HUB))
    assert read.hub_id() == uuid.UUID(HUB).bytes
    assert int.from_bytes(read.serial, "big") == known.serial_number
    assert (read.not_before, read.not_after) == (known.not_valid_before_utc, known.not_valid_after_utc)
    assert read.workload() is None
    folder.workload("bridge")
    bridge = read_certificate(der(folder.path / "bridge"))
    assert bridge.workload() == "bridge"
    assert bridge.hub_id() is None


@pytest.mark.parametrize("usages", [SERVER, BOTH, CLIENT])
def test_only_a_client_is_a_hub(folder: Folder, usages: tuple[x509.ObjectIdentifier, ...]) -> None:
    made = folder.client("x", names=[ca.uri(f"urn:uuid:{HUB}")], usages=usages, life=LIFE)
    assert (read_certificate(der(made)).hub_id() is not None) is (ca.CLIENT in usages)


def test_a_certificate_that_is_cut_or_damaged_is_unreadable_or_read_but_never_a_fault(folder: Folder) -> None:
    good = der(folder.hub(HUB))
    for index in range(len(good)):
        for data in (good[:index], good[:index] + bytes((good[index] ^ 0xFF,)) + good[index + 1 :]):
            try:
                read_certificate(data).hub_id()
            except CertificateUnreadableError:
                continue
