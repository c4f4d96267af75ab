"""Owns the rule that the mesh speaks TLS 1.3 and nothing older; knows no certificate.

gRPC for Python cannot be told a least TLS version. It can be told the cipher suites of TLS 1.2, and the one named here
needs a pre-shared key that nobody has, so what remains is TLS 1.3. gRPC reads this once, when it is first imported:
``import mesh`` sets it in time where it comes first, a parent process may set it, and ``tasks.run`` starts the process
again where both came too late. Servers and channels refuse to be made without it.
"""

from __future__ import annotations

import os
import sys
from typing import Final

VARIABLE: Final = "GRPC_SSL_CIPHER_SUITES"
VALUE: Final = "ECDHE-PSK-AES128-CBC-SHA"


def settle() -> bool:
    """Set the variable; return whether gRPC has it, or will read it."""
    in_time = os.environ.get(VARIABLE) == VALUE or "grpc" not in sys.modules
    os.environ[VARIABLE] = VALUE
    return in_time


IN_EFFECT: Final = settle()


def demand() -> None:
    """Refuse to go on where an older TLS could be spoken."""
    if not IN_EFFECT:
        raise RuntimeError(f"gRPC was imported before mesh: import mesh first, or set {VARIABLE}={VALUE}")


def restart_if_late() -> None:
    """Start this process again, with the variable set, where it was set too late."""
    if not IN_EFFECT:
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the same command line
