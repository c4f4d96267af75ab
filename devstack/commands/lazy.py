"""Owns groups of commands that are imported one by one, when they are used, so that each starts fast."""

from __future__ import annotations

import keyword
from importlib import import_module

import click


def _identifier(command: str) -> str:
    name = command.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


class Lazy(click.Group):
    """A group whose commands are imported when they are used, so that each starts fast."""

    def __init__(self, table: dict[str, tuple[str, str]], name: str, text: str) -> None:
        super().__init__(name, help=text, context_settings={"help_option_names": ["-h", "--help"]})
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names."""
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command."""
        del ctx
        if cmd_name not in self._table:
            return None
        found: click.Command = getattr(import_module(self._table[cmd_name][0]), _identifier(cmd_name))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._table.items()])
