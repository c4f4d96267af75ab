"""Addresses and bodies that many tests of this room use."""

from __future__ import annotations

import base64
import uuid

HUB = str(uuid.uuid4())
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
