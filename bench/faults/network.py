"""Owns the wires of components: each sits in a network namespace of its own behind one pair of virtual interfaces.

The stack knows nothing of it. Every component listens on and calls 127.0.0.1; on both sides of a wire the addresses are
translated, so that what passes between a component and all others is packets on that wire. The addresses are of the
link-local range, in namespaces that nothing outside reaches. A wire that is cut drops what comes, on both sides: nobody
is told, as with a cable that is pulled.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.faults.means import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NAMED: Final = Path("/run/netns")
_LOOPBACK: Final = "127.0.0.1"
_INNER: Final = "cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The only way to one component."""

    number: int
    component: str
    # Where it listens.
    ports: Sequence[int]
    # Where anybody of the stack listens.
    block: range

    @property
    def around(self) -> tuple[str, ...]:
        """Return what to put before the component's command."""
        return ("nsenter", f"--net={_NAMED / self.component}", "--")

    @property
    def outer(self) -> str:
        """The interface on the side of all others."""
        return f"ora{self.number}"

    @property
    def _addresses(self) -> tuple[str, str]:
        first = 4 * self.number
        return f"169.254.77.{first + 1}", f"169.254.77.{first + 2}"

    def lay(self) -> None:
        """Make the namespace and the wire to it."""
        ours, theirs = self._addresses
        name = self.component
        run("ip", "netns", "add", name)
        run("ip", "link", "add", self.outer, "type", "veth", "peer", "name", _INNER, "netns", name)
        run("ip", "address", "add", f"{ours}/30", "dev", self.outer)
        run("ip", "link", "set", self.outer, "up")
        run("ip", "-n", name, "address", "add", f"{theirs}/30", "dev", _INNER)
        for device in ("lo", _INNER):
            run("ip", "-n", name, "link", "set", device, "up")
        self._inside("sh", "-c", f"echo 1 > {_SETTING}")
        own, anybody = self._own, ("-p", "tcp", "--dport", f"{self.block.start}:{self.block.stop - 1}")
        self._inside(*_nat("OUTPUT", "-d", _LOOPBACK, *own, "-j", "ACCEPT"))
        self._inside(*_nat("OUTPUT", "-d", _LOOPBACK, *anybody, *_to(ours)))
        self._inside(*_nat("POSTROUTING", "-o", _INNER, *_from(theirs)))
        self._inside(*_nat("PREROUTING", "-i", _INNER, *anybody, *_to(_LOOPBACK)))
        self._inside(*_nat("INPUT", "-i", _INNER, *_from(_LOOPBACK)))
        run(*_nat("OUTPUT", "-d", _LOOPBACK, *own, *_to(theirs)))
        run(*_nat("PREROUTING", *own, *_to(theirs)))
        run(*_nat("POSTROUTING", "-o", self.outer, *_from(ours)))

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Drop every packet that comes by the wire, on both sides."""
        outer, inner = _drop(self.outer), _drop(_INNER)
        run(*outer("-I"))
        self._inside(*inner("-I"))
        try:
            yield
        finally:
            self._inside(*inner("-D"))
            run(*outer("-D"))

    @property
    def _own(self) -> tuple[str, ...]:
        return ("-p", "tcp", "-m", "multiport", "--dports", ",".join(map(str, self.ports)))

    def _inside(self, *command: str) -> None:
        run(*self.around, *command)


_SETTING: Final = "/proc/sys/net/ipv4/conf/all/route_localnet"


def lay(components: Mapping[str, Sequence[int]], block: range) -> dict[str, Wire]:
    """Lay a wire to each of these components, which listen on these ports; this process has moved out before."""
    _NAMED.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", str(_NAMED))
    for setting in (_SETTING, "/proc/sys/net/ipv4/ip_forward"):
        Path(setting).write_text("1")
    wires = {
        name: Wire(number=number, component=name, ports=ports, block=block)
        for number, (name, ports) in enumerate(components.items())
    }
    for each in wires.values():
        each.lay()
    # Behind the rules of all wires: what is called over a wire and sits behind none.
    anybody = ("-p", "tcp", "--dport", f"{block.start}:{block.stop - 1}")
    run(*_nat("PREROUTING", "-i", "ora+", *anybody, *_to(_LOOPBACK)))
    run(*_nat("INPUT", "-i", "ora+", *_from(_LOOPBACK)))
    return wires


def _nat(chain: str, *rule: str) -> tuple[str, ...]:
    return ("iptables", "-w", "-t", "nat", "-A", chain, *rule)


def _to(address: str) -> tuple[str, ...]:
    return ("-j", "DNAT", "--to-destination", address)


def _from(address: str) -> tuple[str, ...]:
    return ("-j", "SNAT", "--to-source", address)


def _drop(interface: str) -> Callable[[str], tuple[str, ...]]:
    return lambda order: ("iptables", "-w", "-t", "mangle", order, "PREROUTING", "-i", interface, "-j", "DROP")
