from __future__ import annotations

import pytest

from mesh.errors import UnauthenticatedError
from mesh.identity import Workload, WorkloadName, peer_workload

GOOD = {"peer_uri": [b"spiffe://ora/portal"], "ssl_tls_version": [b"TLSv1.3"]}


def test_workload_is_its_spiffe_id() -> None:
    assert peer_workload(GOOD) == Workload(WorkloadName("portal"))


@pytest.mark.parametrize(
    "change",
    [
        {"ssl_tls_version": [b"TLSv1.2"]},
        {"ssl_tls_version": []},
        {"peer_uri": []},
        {"peer_uri": [b"spiffe://ora/portal", b"spiffe://ora/relay"]},
        {"peer_uri": [b"spiffe://ora/"]},
        {"peer_uri": [b"spiffe://ora/portal/"]},
        {"peer_uri": [b"SPIFFE://ora/portal"]},
        {"peer_uri": [b"spiffe://ora/port\xc3\xa4l"]},
        {"peer_uri": [b"spiffe://ora/portal\n"]},
        {"peer_uri": [b"urn:uuid:0192d1c0-5f3e-7cc1-8000-0242ac120002"]},
    ],
    ids=str,
)
def test_anything_else_is_nobody(change: dict[str, list[bytes]]) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        peer_workload({**GOOD, **change})
    assert caught.value.reason == "PEER_UNKNOWN"


def test_connection_without_tls_is_nobody() -> None:
    with pytest.raises(UnauthenticatedError):
        peer_workload({})
