"""Owns the command `ora`: its groups and names. Each command is a module of its own, loaded when it is asked for."""

from __future__ import annotations

import os
import sys
from typing import Final

import click

from devstack.commands.lazy import Lazy

# In the order in which they are listed: name, module, one line of help.
_TOP: Final = {
    "up": ("devstack.commands.up", "Start the whole system."),
    "down": ("devstack.commands.down", "Stop it."),
    "status": ("devstack.commands.status", "Say what runs, and where."),
    "logs": ("devstack.commands.logs", "Show what components wrote."),
    "top": ("devstack.commands.top", "Show the relays at work."),
    "sessions": ("devstack.commands.sessions", "List the Hubs that are connected."),
    "trace": ("devstack.commands.trace", "Say where an envelope went."),
    "restart": ("devstack.commands.one", "Stop one component and start it again."),
    "kill": ("devstack.commands.one", "Kill one component as a power cut would."),
    "halt": ("devstack.commands.one", "Ask one component to end."),
    "doctor": ("devstack.commands.doctor", "Say what is wrong and how to mend it."),
    "fleet": ("devstack.commands.fleet", "The registry of Hubs, for operators."),
    "firmware": ("devstack.commands.firmware", "Images, releases and rollouts, for operators."),
    "portal": ("devstack.commands.portal", "Support work on the portal's metadata, for operators."),
    "jobs": ("devstack.commands.jobs", "What the portal does by itself: see, try again, give up."),
    "health": ("devstack.commands.health", "Plot the health of Hubs, by cohort."),
    "dev": ("devstack.commands.dev", "For firmware and mobile developers."),
    "backup": ("devstack.commands.backup", "Check what a Hub backs up; make it from a controller's export."),
    "demo": ("devstack.commands.demo", "Tell the story of one sealed packet, each step verified."),
    "reset": ("devstack.commands.reset", "Stop, and remove the state folder."),
}


ora = Lazy(_TOP, "ora", "The whole of Ora on one machine. State is in ORA_HOME, or .ora in the project.")


def main() -> None:
    """Run the command line; what is known to go wrong is said in one line."""
    try:
        status = ora.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # Who read us has gone; nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    sys.exit(status)  # what `Exit` was raised with; None where a command just ended


if __name__ == "__main__":
    main()
