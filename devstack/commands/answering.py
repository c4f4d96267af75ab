"""Owns how operators' commands say what a service refused: its reason and its words, in one line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import grpc

from devstack.commands.asking import plainly
from devstack.firmware.images import RefusedImageError
from devstack.identity.sign_in import SignInError
from mesh.channel import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def answering() -> Iterator[None]:
    """Turn a refusal into one line and exit status 1."""
    try:
        with plainly():
            yield
    except grpc.aio.AioRpcError as error:
        raise click.ClickException(f"{reason_of(error) or error.code().name}: {error.details()}") from error
    except (RefusedImageError, SignInError) as error:
        raise click.ClickException(str(error)) from error
