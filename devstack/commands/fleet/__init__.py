"""`ora fleet …`: the registry of Hubs, for operators."""

from __future__ import annotations

from typing import Final

from devstack.commands.lazy import Lazy

_HERE: Final = "devstack.commands.fleet.registry"
_IMPORTING: Final = "devstack.commands.fleet.importing"
_TRUST: Final = "devstack.commands.fleet.trust"
_TABLE: Final = {
    "authorities": (_TRUST, "List the authorities of Hubs' certificates."),
    "trust-files": (_TRUST, "Write by what relays and the gateway know Hubs."),
    "import": (_IMPORTING, "Make Hubs of a manufacturing manifest."),
    "hubs": (_HERE, "List the Hubs of the registry."),
    "show": (_HERE, "Show a Hub: its life, its certificates, its hold and its updates."),
    "revoke": (_HERE, "Revoke every certificate that a Hub has got until now."),
}

fleet = Lazy(_TABLE, "fleet", "The registry of Hubs, as the operator workload.")
