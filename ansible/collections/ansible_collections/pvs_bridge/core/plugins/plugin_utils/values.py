"""The values that rules compare: the inventory's value, or the role's default."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import UNUSABLE, Issue

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Values:
    """A host's checked variables, merged over the roles' defaults.

    Every accessor returns an empty value for a variable that already has an issue, so that rules
    need not handle this case.
    """

    def __init__(
        self,
        variables: Mapping[str, Any],
        defaults: Mapping[str, Any],
        constants: Mapping[str, Any],
    ) -> None:
        """Merge the variables over the defaults.

        Args:
            variables: checked against the specs; UNUSABLE if wrong.
            defaults: rendered, in the types of the specs.
            constants: from the roles' vars/main.yml, which no inventory sets.
        """
        self._constants = constants
        self._given = {name for name, value in variables.items() if value is not None}
        self._merged = {**defaults, **{name: variables[name] for name in self._given}}

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all set variables, defaults first."""
        return iter(sorted(self._merged, key=lambda name: (name in self._given, name)))

    def is_given(self, name: str) -> bool:
        """Return whether the inventory sets it, so that the user can change it there."""
        return name in self._given

    def get(self, name: str) -> Any:  # noqa: ANN401 - any variable
        """Return a value of any type; None if it is not set or wrong."""
        value = self._merged.get(name)
        return None if value is UNUSABLE else value

    def text(self, name: str) -> str:
        """Return a string; empty if it is not set or wrong."""
        value = self.get(name)
        return value if isinstance(value, str) else ""

    def is_wrong(self, name: str) -> bool:
        """Return whether it already has an issue."""
        return self._merged.get(name) is UNUSABLE

    def constant(self, name: str) -> Any:  # noqa: ANN401 - any constant
        """Return a constant of a role's vars/main.yml; None if it does not exist."""
        return self._constants.get(name)

    def mapping(self, name: str) -> Mapping[Any, Any]:
        """Return a mapping; empty if it is not set or wrong. Its keys may be of any type."""
        value = self.get(name)
        return value if isinstance(value, Mapping) else {}

    def mappings(self, name: str) -> list[tuple[int, Mapping[str, Any]]]:
        """Return the usable mappings of a list, each with its index."""
        value = self.get(name)
        items = value if isinstance(value, list) else []
        return [(i, item) for i, item in enumerate(items) if isinstance(item, Mapping)]

    def texts(self, name: str) -> list[tuple[int, str]]:
        """Return the usable strings of a list, each with its index."""
        value = self.get(name)
        items = value if isinstance(value, list) else []
        return [(i, item) for i, item in enumerate(items) if isinstance(item, str)]

    def numbers(self, suffix: str) -> Iterator[tuple[str, int | float]]:
        """Return all numbers whose variables end with a suffix, defaults first."""
        for name in self:
            value = self.get(name)
            if name.endswith(suffix) and isinstance(value, (int, float)):
                yield name, value


Rule = Callable[[Values], Iterator[Issue]]


def parse_address(text: str) -> Address | None:
    """Parse an IP address; return None if it is not valid."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def parse_ipv4(text: str) -> ipaddress.IPv4Address | None:
    """Parse an IPv4 address; return None if it is not valid."""
    address = parse_address(text)
    return address if isinstance(address, ipaddress.IPv4Address) else None


def parse_interface(text: str) -> ipaddress.IPv4Interface | None:
    """Parse an IPv4 address with its prefix length; return None if it is not valid."""
    address, _, prefix = text.partition("/")
    # IPv4Interface also accepts masks such as /255.255.255.0; the network daemons do not.
    if not (prefix.isascii() and prefix.isdigit()):
        return None
    try:
        return ipaddress.IPv4Interface(f"{address}/{int(prefix)}")
    except ValueError:
        return None


def pvs_network(values: Values) -> ipaddress.IPv4Network | None:
    """Return the network at the PVS's cable, the /24 of its address; None if there is none."""
    address = parse_ipv4(values.text("pvs_link_pvs_address"))
    if address is None or values.text("pvs_link_type") == "home":
        return None
    return ipaddress.IPv4Network((int(address) & ~0xFF, 24))
