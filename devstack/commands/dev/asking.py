"""Owns what the commands of `ora dev` say in one line when the stack, or what they ask of it, is in the way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click
import grpc
import httpx

from devstack.dev.dump import DumpError
from devstack.environment import NotForDevelopmentError
from devstack.identity.sign_in import SignInError
from devstack.state import NoStackError
from hubsim.records import RecordRefusedError
from mesh.channel import reason_of
from sdk.app_client import ApiError
from sdk.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_KNOWN: Final = (
    ApiError,
    DumpError,
    MalformedError,
    NoStackError,
    NotForDevelopmentError,
    RecordRefusedError,
    SignInError,
    httpx.TransportError,
)


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what is known to go wrong into one line and exit status 1."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise click.ClickException(f"{reason_of(error) or error.code().name}: {error.details()}") from error
    except (FileExistsError, FileNotFoundError) as error:
        raise click.ClickException(f"{error.strerror}: {error.filename}") from error
    except _KNOWN as error:
        raise click.ClickException(str(error) or type(error).__name__) from error
