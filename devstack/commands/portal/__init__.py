"""`ora portal …`: support work on the portal's metadata, for operators."""

from __future__ import annotations

from typing import Final

from devstack.commands.lazy import Lazy

_HERE: Final = "devstack.commands.portal.support"
_TABLE: Final = {
    "organizations": (_HERE, "List the organisations, by their figures."),
    "projects": (_HERE, "List the projects of an organisation, or of a Hub."),
    "show": (_HERE, "Show an organisation or a project: its life, not what a person wrote."),
    "suspend": (_HERE, "Let an organisation or a project stand still."),
    "resume": (_HERE, "Let it go on."),
    "quota": (_HERE, "Say how many projects of an organisation may be live at once."),
    "rewrap": (_HERE, "Wrap an organisation's data keys anew, after a root key was turned."),
    "verify-audit": (_HERE, "Check every link and checkpoint of an organisation's audit."),
}

portal = Lazy(_TABLE, "portal", "Support work on metadata. Each call, a look too, is in the audit with its ticket.")
