"""`ora dev …`: what firmware and mobile developers need of a cloud that only they use."""

from __future__ import annotations

from typing import Final

from devstack.commands.lazy import Lazy

_HERE: Final = "devstack.commands.dev"
_TABLE: Final = {
    "token": (f"{_HERE}.token", "Sign in as a persona and print the access token."),
    "enrol-hub": (f"{_HERE}.enrol_hub", "Make a Hub known: keys and certificate as files, and the registry."),
    "consent": (f"{_HERE}.consent", "Turn the cloud on or off for a Hub, by a record that the Hub signs."),
    "pair": (f"{_HERE}.pair", "Pair a persona's app with a Hub."),
    "send": (f"{_HERE}.send", "Seal a text to a Hub and send it."),
    "listen": (f"{_HERE}.listen", "Print what a Hub sends."),
    "telemetry": (f"{_HERE}.telemetry", "Print, or erase, what is kept of a Hub's own health."),
    "dump": (f"{_HERE}.dump", "Write everything that the cloud keeps."),
    "revoke": (f"{_HERE}.revoke", "Revoke a Hub's certificate and suspend the Hub."),
}

dev = Lazy(_TABLE, "dev", "For firmware and mobile developers. Works on the stack of this machine alone.")
