"""Addresses and bodies that many tests of this room use."""

from __future__ import annotations

import base64

HUB = "0190a5c2-7b4e-7c3a-9d1e-2f6b8a4c5d10"
SEND = f"/v1/hubs/{HUB}/envelopes"
PEER = base64.urlsafe_b64encode(b"p" * 16).decode()
RECEIVE = f"{SEND}:receive?peerId={PEER}"
RECORDS = f"/v1/hubs/{HUB}/records"
ENVELOPE = {
    "routeHeader": base64.b64encode(b"header").decode(),
    "sealed": base64.b64encode(bytes(range(256))).decode(),
}
JSON = {"content-type": "application/json"}
SSE = {"accept": "text/event-stream"}
