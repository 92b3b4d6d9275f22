"""What a health check sees of the machine that it checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Interface
from typing import Protocol


class Signal(Enum):
    """The state of an interface's cable or radio."""

    MISSING = "does not exist"
    OFF = "is switched off"
    NONE = "has no signal"
    UP = "has a signal"


class HomeAccess(Enum):
    """Whether the home network can reach a port of a machine."""

    OPEN = "open to the home"
    LOCAL = "open on the Pi itself only"
    CLOSED = "closed by the firewall"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer.

    Attributes:
        status: The HTTP status.
        headers: By lower-case names.
        body: The bytes that arrived.
        whole: Whether the body is complete.
        old: Whether the answer was in HTTP/1.0.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True
    old: bool = False

    @property
    def from_pvs(self) -> bool:
        """Whether the PVS wrote this, and not the proxy.

        The proxy adds neither Via nor Server to its own answers, which are never HTTP/1.0.
        """
        return "via" in self.headers or "server" in self.headers or self.old

    @property
    def from_bridge(self) -> bool:
        """Whether the proxy of the bridge wrote this; others explain no error in this form."""
        return not self.from_pvs and b'"error"' in self.body and b'"hint"' in self.body

    @property
    def translated(self) -> bool:
        """Whether the compat service wrote this."""
        return "pvs-bridge-compat" in self.headers.get("via", "")


class ProbeError(Exception):
    """The reason why something could not be read."""


class Probe(Protocol):
    """Reads the state of a machine: of this one, or of a Pi over SSH."""

    def signal(self, interface: str) -> Signal:
        """Return the state of an interface."""

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses. Raises ProbeError."""

    def default_routes(self) -> list[str]:
        """Return the interfaces of the default routes. Raises ProbeError."""

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection and close it. Raises OSError."""

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Send a request to the machine's own proxy. Raises OSError, http.client.HTTPException."""

    def home_access(self, port: int) -> HomeAccess:
        """Return whether the home can reach a TCP port of this machine. Raises ProbeError."""

    def is_foreign(self, port: int) -> bool:
        """Return whether another user than haproxy listens on a TCP port. Raises ProbeError."""

    def clock(self) -> float:
        """Return seconds of a monotonic clock."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
