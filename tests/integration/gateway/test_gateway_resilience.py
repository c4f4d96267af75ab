from __future__ import annotations

import shutil
import socket
import ssl
import time
from concurrent import futures
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from joserfc.jwk import ECKey

from gateway.values import Bucket, Limits
from tests.integration.gateway import conftest, pki, running, services, tokens
from tests.integration.gateway.api import ENVELOPE, HUB, RECORDS, SEND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import grpc

    from tests.integration.gateway.conftest import World

GENEROUS = Bucket(per_second=1000, burst=1000)
OPEN = Limits(read=GENEROUS, write=GENEROUS, stream=GENEROUS)


@contextmanager
def own_world(
    folder: Path, limits: Limits = OPEN, relays: int = 1, certificates: pki.Pki | None = None
) -> Iterator[tuple[World, list[grpc.Server]]]:
    """Start a gateway that a test may break."""
    certificates = certificates or pki.Pki.make(folder / "certs", ["gateway", "relay", "fleet"])
    relay, fleet = services.Calls(), services.Calls()
    started = [services.serve(certificates.folder, "relay", relay) for _ in range(relays)]
    fleet_server, fleet_port = services.serve(certificates.folder, "fleet", fleet)
    with tokens.Issuer("https://voltex.test") as voltex, tokens.Issuer("https://home.test") as home:
        targets = {"relay": [port for _, port in started], "fleet": [fleet_port]}
        values = conftest.values(certificates.folder, conftest.issuers(voltex, home), targets, limits)
        with running.gateway(folder, values) as gateway:
            yield (
                conftest.World(gateway, certificates, voltex, home, relay, fleet, services.Calls()),
                [server for server, _ in started],
            )
    for server in [*(server for server, _ in started), fleet_server]:
        server.stop(None)


def test_a_dead_service_is_a_problem_soon_and_hurts_no_other(tmp_path: Path) -> None:
    with own_world(tmp_path) as (world, (relay,)):
        certificate = world.pki.hub(tmp_path / "hub", f"urn:uuid:{HUB}")
        with world.app() as app, world.hub(certificate) as hub:
            assert app.post(SEND, json=ENVELOPE, headers=world.bearer()).status_code == 200
            relay.stop(0).wait()
            for _ in range(8):
                began = time.monotonic()
                answer = app.post(SEND, json=ENVELOPE, headers=world.bearer())
                assert time.monotonic() - began < 2
                assert (answer.status_code, answer.json()["reason"]) == (503, "UNAVAILABLE")
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.headers["retry-after"]
                assert hub.get(RECORDS).status_code == 200


def test_one_of_two_nodes_dies_and_nobody_notices(tmp_path: Path) -> None:
    with own_world(tmp_path, relays=2) as (world, nodes), world.app() as app:
        for count in range(60):
            if count == 20:
                nodes[0].stop(0).wait()
            assert app.post(SEND, json=ENVELOPE, headers=world.bearer()).status_code == 200


def test_unavailable_is_tried_again_where_a_second_call_does_no_harm(world: World) -> None:
    world.relay.fail = services.status(14, "draining", services.info("DRAINING"))
    with world.app() as app:
        answer = app.post(SEND, json=ENVELOPE, headers=world.bearer())
    assert (answer.status_code, answer.json()["reason"]) == (503, "DRAINING")
    assert len(world.relay.seen) == 3


@pytest.mark.parametrize("code", [2, 4, 8, 10, 13])
def test_another_failure_is_not_tried_again(world: World, code: int) -> None:
    world.relay.fail = services.status(code, "no", services.info("NO"))
    with world.app() as app:
        app.post(SEND, json=ENVELOPE, headers=world.bearer())
    assert len(world.relay.seen) == 1


def test_a_service_that_hangs_is_left_at_the_deadline(world: World, tmp_path: Path) -> None:
    world.fleet.before = lambda _: time.sleep(4)  # the contract says 3 s
    with world.hub(world.pki.hub(tmp_path, f"urn:uuid:{HUB}")) as hub:
        began = time.monotonic()
        answer = hub.get(RECORDS)
    assert time.monotonic() - began < 3.6
    assert (answer.status_code, answer.json()["reason"]) == (504, "DEADLINE_EXCEEDED")


def test_a_caller_above_its_limit_is_told_when_to_come_back(tmp_path: Path) -> None:
    small = Limits(write=Bucket(per_second=1, burst=3), read=GENEROUS)
    with own_world(tmp_path, small) as (world, _):
        certificate = world.pki.hub(tmp_path / "hub", f"urn:uuid:{HUB}")
        with world.app() as app, world.hub(certificate) as hub:
            answers = [app.post(SEND, json=ENVELOPE, headers=world.bearer()) for _ in range(6)]
            assert [answer.status_code for answer in answers[:3]] == [200] * 3
            assert [answer.headers["ratelimit-remaining"] for answer in answers[:3]] == ["2", "1", "0"]
            assert (answers[-1].status_code, answers[-1].json()["reason"]) == (429, "RATE_LIMITED")
            assert answers[-1].headers["retry-after"] == "1"
            assert answers[-1].headers["content-type"] == "application/problem+json"
            assert hub.get(RECORDS).status_code == 200  # another route, another bucket


def test_the_limit_counts_before_the_token(tmp_path: Path) -> None:
    small = Limits(write=Bucket(per_second=1, burst=3))
    with own_world(tmp_path, small) as (world, _), world.app() as app:
        answers = [app.post(SEND, json=ENVELOPE) for _ in range(6)]
    assert [answer.status_code for answer in answers[:3]] == [401] * 3
    assert answers[-1].status_code == 429


def test_a_new_key_of_an_issuer_is_known_at_the_next_fetch_and_forces_none(tmp_path: Path) -> None:
    with own_world(tmp_path) as (world, _), world.app() as app:
        new = ECKey.generate_key("P-256", parameters={"kid": "k2", "use": "sig", "alg": "ES256"})
        world.voltex.keys.insert(0, new)
        bearer = {"authorization": f"Bearer {world.voltex.token(header={'kid': 'k2'})}"}
        assert app.post(SEND, json=ENVELOPE, headers=bearer).status_code == 401
        served = world.voltex.served
        running.await_true(lambda: world.voltex.served > served)
        running.await_true(lambda: app.post(SEND, json=ENVELOPE, headers=bearer).status_code == 200)
        assert world.voltex.served - served <= 2


def test_no_keys_no_entry_and_it_is_not_the_callers_fault(tmp_path: Path) -> None:
    with own_world(tmp_path / "a") as (donor, _):
        token = donor.voltex.token()
        values = donor.gateway.values
        gone = [conftest.replace_jwks(issuer, running.free_ports(1)[0]) for issuer in values.issuers]
        moved = conftest.values(values.certificates, tuple(gone), {"relay": [1], "fleet": [1]}, OPEN)
        (tmp_path / "b").mkdir()
        with (
            running.gateway(tmp_path / "b", moved) as gateway,
            httpx.Client(base_url=gateway.app, verify=donor.tls()) as app,
        ):
            answer = app.post(SEND, json=ENVELOPE, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["reason"]) == (503, "ISSUER_UNAVAILABLE")


def test_new_certificates_are_used_without_a_restart(tmp_path: Path) -> None:
    with own_world(tmp_path) as (world, _):
        folder = world.pki.folder / "edge"
        with world.app() as app:
            app.get("/")
        before = peer_certificate(world)
        fresh = pki.Pki.make(tmp_path / "fresh", [])
        for name in ("tls.key", "tls.crt"):
            shutil.copy(fresh.folder / "edge" / name, folder / f"{name}.new")
        for name in ("tls.key", "tls.crt"):
            (folder / f"{name}.new").rename(folder / name)
        running.await_true(lambda: peer_certificate(world) != before)


def peer_certificate(world: World) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", world.gateway.values.listen.app.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def test_many_callers_at_once_are_served(world: World) -> None:
    def call(_: int) -> int:
        with world.app() as app:
            return app.post(SEND, json=ENVELOPE, headers=world.bearer()).status_code

    with futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(64))) == {200}


def test_a_revoked_hub_is_out_once_the_list_is_there(tmp_path: Path) -> None:
    certificates = pki.Pki.make(tmp_path / "certs", ["gateway", "relay", "fleet"])
    write_revoked(certificates, [])
    with own_world(tmp_path, certificates=certificates) as (world, _):
        folder = world.pki.hub(tmp_path / "hub", f"urn:uuid:{HUB}")
        with world.hub(folder) as hub:
            assert hub.get(RECORDS).status_code == 200
        write_revoked(certificates, [x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())])
        running.await_true(lambda: is_refused(world, folder), 2)
        with world.hub(world.pki.hub(tmp_path / "other", f"urn:uuid:{HUB}")) as hub:
            assert hub.get(RECORDS).status_code == 200


def write_revoked(certificates: pki.Pki, revoked: list[x509.Certificate]) -> None:
    target = certificates.folder / "hub-crl.pem"
    temporary = target.with_suffix(".new")
    temporary.write_bytes(certificates.hubs.revoke(revoked))
    temporary.rename(target)


def is_refused(world: World, folder: Path) -> bool:
    try:
        with world.hub(folder) as hub:
            hub.get(RECORDS)
    except httpx.TransportError:
        return True
    return False


def test_a_drain_lets_calls_end_and_takes_no_new_connection(tmp_path: Path) -> None:
    # HTTP/1.1: httpx takes no answer after a GOAWAY, although HTTP/2 promises one.
    with (
        own_world(tmp_path) as (world, _),
        httpx.Client(base_url=world.gateway.app, verify=world.tls(), timeout=20) as app,
        futures.ThreadPoolExecutor(1) as pool,
    ):
        world.relay.before = lambda _: time.sleep(1.5)
        running_call = pool.submit(app.post, SEND, json=ENVELOPE, headers=world.bearer())
        running.await_true(lambda: bool(world.relay.seen))
        httpx.post(f"{world.gateway.admin}/drain_listeners?graceful")
        assert running_call.result().status_code == 200
        running.await_true(lambda: not takes_connections(world))


def takes_connections(world: World) -> bool:
    try:
        socket.create_connection(("127.0.0.1", world.gateway.values.listen.app.port), 1).close()
    except OSError:
        return False
    return True
