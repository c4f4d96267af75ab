"""The whole of Ora on one machine, with one command: `ora`."""

import mesh  # noqa: F401 - before anything of ours imports gRPC, which then speaks TLS 1.3 alone
