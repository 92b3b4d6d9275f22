"""How a health check sees the machine that it runs for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Interface
from typing import Protocol


class Signal(Enum):
    """What an interface tells about its cable or radio."""

    MISSING = "does not exist"
    OFF = "is switched off"
    NONE = "has no signal"
    UP = "has a signal"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer.

    Attributes:
        status: The HTTP status.
        headers: By lower-case names.
        body: As much of it as came.
        whole: The body came to its end.
        old: The answer was in HTTP/1.0.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True
    old: bool = False

    @property
    def from_pvs(self) -> bool:
        """Whether the PVS wrote this, and not the proxy by itself.

        The proxy adds neither Via nor Server to what it writes itself, never as HTTP/1.0.
        """
        return "via" in self.headers or "server" in self.headers or self.old

    @property
    def translated(self) -> bool:
        """Whether the program that translates the newer interface wrote this."""
        return "pvs-bridge-compat" in self.headers.get("via", "")


class ProbeError(Exception):
    """Something could not be looked at; says why."""


class World(Protocol):
    """What the check sees of the world outside."""

    def signal(self, interface: str) -> Signal:
        """Tell how an interface is."""

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses. Raises ProbeError."""

    def default_routes(self) -> list[str]:
        """Return the interfaces that default routes lead out of. Raises ProbeError."""

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection and close it. Raises OSError."""

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Ask this machine's own proxy. Raises OSError, http.client.HTTPException."""

    def clock(self) -> float:
        """Return seconds that only ever grow."""

    def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
