"""The values that cross-checks compare: what the inventory says, else the role's default."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import UNUSABLE, Fault

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Values:
    """A host's checked variables over the roles' defaults.

    Every accessor answers "not there" for a value that a finding has been made about, so that a
    cross-check needs no case for it.
    """

    def __init__(
        self,
        variables: Mapping[str, Any],
        defaults: Mapping[str, Any],
        constants: Mapping[str, Any],
    ) -> None:
        """Lay one over the other.

        Args:
            variables: checked against the specs; UNUSABLE where wrong.
            defaults: rendered, in the types of the specs.
            constants: the roles' own, which no inventory sets.
        """
        self._constants = constants
        self._given = {name for name, value in variables.items() if value is not None}
        self._merged = {**defaults, **{name: variables[name] for name in self._given}}

    def __iter__(self) -> Iterator[str]:
        """Name every variable that is there, defaults first."""
        return iter(sorted(self._merged, key=lambda name: (name in self._given, name)))

    def is_given(self, name: str) -> bool:
        """Whether the inventory sets it, so that a person can be sent there to change it."""
        return name in self._given

    def get(self, name: str) -> Any:  # noqa: ANN401 - any variable
        """Return a value of any type; None where it is not set, or wrong."""
        value = self._merged.get(name)
        return None if value is UNUSABLE else value

    def text(self, name: str) -> str:
        """Return a text; empty where it is not set, or wrong."""
        value = self.get(name)
        return value if isinstance(value, str) else ""

    def is_wrong(self, name: str) -> bool:
        """Whether a finding has been made about it already."""
        return self._merged.get(name) is UNUSABLE

    def constant(self, name: str) -> Any:  # noqa: ANN401 - any constant
        """Return what a role holds for itself in vars/main.yml; None where no role has it."""
        return self._constants.get(name)

    def mapping(self, name: str) -> Mapping[Any, Any]:
        """Return a mapping; empty where it is not set, or wrong. Its keys may be of any type."""
        value = self.get(name)
        return value if isinstance(value, Mapping) else {}

    def mappings(self, name: str) -> list[tuple[int, Mapping[str, Any]]]:
        """Return the usable mappings of a list, each with its index."""
        value = self.get(name)
        items = value if isinstance(value, list) else []
        return [(i, item) for i, item in enumerate(items) if isinstance(item, Mapping)]

    def texts(self, name: str) -> list[tuple[int, str]]:
        """Return the usable texts of a list, each with its index."""
        value = self.get(name)
        items = value if isinstance(value, list) else []
        return [(i, item) for i, item in enumerate(items) if isinstance(item, str)]


CrossCheck = Callable[[Values], Iterator[Fault]]


def parse_address(text: str) -> Address | None:
    """Read an IP address; None where it is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def parse_ipv4(text: str) -> ipaddress.IPv4Address | None:
    """Read an IPv4 address; None where it is none."""
    address = parse_address(text)
    return address if isinstance(address, ipaddress.IPv4Address) else None


def parse_interface(text: str) -> ipaddress.IPv4Interface | None:
    """Read an IPv4 address with its prefix length, such as 192.168.1.20/24, or return None."""
    address, _, prefix = text.partition("/")
    # IPv4Interface also takes masks such as /255.255.255.0, which no network daemon reads.
    if not (prefix.isascii() and prefix.isdigit()):
        return None
    try:
        return ipaddress.IPv4Interface(f"{address}/{int(prefix)}")
    except ValueError:
        return None


def pvs_network(values: Values) -> ipaddress.IPv4Network | None:
    """Return the network around the PVS: the /24 of its address; None without a good address."""
    address = parse_ipv4(values.text("pvs_link_pvs_address"))
    if address is None:
        return None
    return ipaddress.IPv4Network((int(address) & ~0xFF, 24))
