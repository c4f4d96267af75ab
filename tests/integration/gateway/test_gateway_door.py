from __future__ import annotations

import datetime as dt
import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.integration.gateway import running
from tests.integration.gateway.api import ENVELOPE, HUB, RECORDS, SEND
from tests.integration.gateway.pki import Authority

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.gateway.conftest import World

FORGED = {
    "x-ora-subject": "evil",
    "x-ora-client-address": "192.0.2.66",
    "x-envoy-external-address": "192.0.2.66",
    "x-jwt-payload": "evil",
    "x-forwarded-client-cert": "URI=spiffe://ora/evil",
    "x-envoy-internal": "true",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-retry-on": "5xx",
    "x-envoy-original-path": "/evil",
    "grpc-timeout": "1n",
    "grpc-encoding": "gzip",
    "grpc-metadata-role": "evil",
    "role-bin": "ZXZpbA==",
    "x-http-method-override": "DELETE",
    "x-forwarded-for": "192.0.2.66",
    "forwarded": "for=192.0.2.66",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "baggage": "role=evil",
    "x-request-id": "evil",
    "cookie": "evil=1",
}


def test_headers_of_our_own_are_dropped_at_the_door(world: World) -> None:
    with world.app() as app:
        plain = app.post(SEND, json=ENVELOPE, headers=world.bearer())
        forged = app.post(SEND, json=ENVELOPE, headers=world.bearer() | FORGED)
    assert (plain.status_code, plain.json()) == (forged.status_code, forged.json())
    first, second = (call.metadata for call in world.relay.seen)
    assert first.keys() == second.keys()
    assert "evil" not in str(second)
    assert "192.0.2.66" not in str(second)
    assert second["x-envoy-external-address"] == "127.0.0.1"
    assert "x-forwarded-client-cert" not in second


def test_each_request_begins_a_trace_that_nobody_outside_chooses_and_the_log_names(world: World) -> None:
    with world.app() as app:
        for _ in range(2):
            assert app.post(SEND, json=ENVELOPE, headers=world.bearer() | FORGED).status_code == 200
    traces = [call.metadata["traceparent"].split("-")[1] for call in world.relay.seen]
    assert len(set(traces)) == 2
    assert FORGED["traceparent"].split("-")[1] not in traces
    running.await_true(lambda: all(f"00-{each}-" in world.gateway.log for each in traces))


def test_the_log_has_no_token_address_query_or_payload(world: World) -> None:
    with world.app() as app:
        agent = {"user-agent": "CANARYAGENT"}
        first = app.post(f"{SEND}?canary=CANARYQUERY", json=ENVELOPE, headers=world.bearer() | agent)
        last = app.post(SEND, json={"sealed": "CANARYBODY==="}, headers=world.bearer(sub="CANARYSUB"))
    ids = [answer.headers["x-request-id"] for answer in (first, last)]
    running.await_true(lambda: all(each in world.gateway.log for each in ids))
    assert "CANARY" not in world.gateway.log
    assert HUB not in world.gateway.log
    assert "Bearer" not in world.gateway.log


def handshake(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname="localhost")


def test_only_tls_1_3_is_spoken(world: World) -> None:
    for address in (world.gateway.values.listen.app, world.gateway.values.listen.hub):
        old = world.tls()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(address.port, old)
    with handshake(world.gateway.values.listen.app.port, world.tls()) as secure:
        assert secure.version() == "TLSv1.3"


def test_no_session_can_be_resumed(world: World) -> None:
    context = world.tls()
    with handshake(world.gateway.values.listen.app.port, context) as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        while secure.recv(4096):
            pass
        assert secure.session is None or not secure.session.has_ticket


def test_plain_http_is_not_answered(world: World) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(world.gateway.app.replace("https", "http"))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/stats",
        "/config_dump",
        "/ready",
        "/healthz",
        "/metrics",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/ora.relay.v1.RelayService/Send",
        "/ora.relay.v1.RelayService/Tunnel",
        "/ora.fleet.v1.HubRecordService/LowerConsent",
        "/ora.fleet.v1.AdmissionService/GetAdmission",
        RECORDS,
    ],
)
def test_what_is_not_for_apps_is_not_there(world: World, path: str) -> None:
    with world.app() as app:
        for headers in ({}, {"content-type": "application/grpc"}, {"content-type": "application/json"}):
            answer = app.post(path, headers=world.bearer() | headers)
            expected = 415 if headers.get("content-type") == "application/grpc" and path == RECORDS else 404
            assert answer.status_code == expected
    assert not world.relay.seen
    assert not world.fleet.seen


def test_a_hub_reaches_nothing_of_an_app(world: World, tmp_path: Path) -> None:
    with world.hub(world.pki.hub(tmp_path, f"urn:uuid:{HUB}")) as hub:
        assert hub.post(SEND, json=ENVELOPE, headers=world.bearer()).status_code == 404


BAD = {
    "no uri": [x509.DNSName("hub")],
    "other scheme": [x509.UniformResourceIdentifier(f"spiffe://ora/{HUB}")],
    "workload": [x509.UniformResourceIdentifier("spiffe://ora/gateway")],
    "upper case": [x509.UniformResourceIdentifier(f"urn:uuid:{HUB.upper()}")],
    "prefix": [x509.UniformResourceIdentifier(f"xurn:uuid:{HUB}")],
    "suffix": [x509.UniformResourceIdentifier(f"urn:uuid:{HUB}x")],
    "dns that looks like one": [x509.DNSName(f"urn.uuid.{HUB}")],
    "not a uuid": [x509.UniformResourceIdentifier("urn:uuid:1")],
}


def refused(world: World, certificate: Path | None) -> None:
    with world.hub(certificate) as hub, pytest.raises(httpx.TransportError):
        hub.get(RECORDS)
    assert not world.fleet.seen


@pytest.mark.parametrize("names", BAD.values(), ids=BAD)
def test_a_certificate_without_a_hub_in_it_is_refused(
    world: World, tmp_path: Path, names: list[x509.GeneralName]
) -> None:
    world.pki.hubs.issue(tmp_path, names, (ExtendedKeyUsageOID.CLIENT_AUTH,))
    refused(world, tmp_path)


def test_no_certificate_is_refused(world: World) -> None:
    refused(world, None)


def test_a_certificate_of_another_authority_is_refused(world: World, tmp_path: Path) -> None:
    name = x509.UniformResourceIdentifier(f"urn:uuid:{HUB}")
    for number, authority in enumerate((Authority.make("hubs"), world.pki.mesh)):
        authority.issue(tmp_path / str(number), [name])
        refused(world, tmp_path / str(number))


def test_an_expired_certificate_is_refused(world: World, tmp_path: Path) -> None:
    refused(world, world.pki.hub(tmp_path, f"urn:uuid:{HUB}", lifetime=-dt.timedelta(hours=1)))


def test_a_certificate_that_is_not_for_clients_is_refused(world: World, tmp_path: Path) -> None:
    refused(world, world.pki.hub(tmp_path, f"urn:uuid:{HUB}", usages=(ExtendedKeyUsageOID.SERVER_AUTH,)))
