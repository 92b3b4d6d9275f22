"""The addresses around a lab's bridge, and the names of its interfaces."""

from __future__ import annotations

import dataclasses
import json
import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from pvs_lab.errors import LabError

# The kernel allows other names too; these need no quotes in any configuration file.
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}", re.ASCII)
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
# A smaller network cannot hold a router, a Pi and a client.
LONGEST_PREFIX = 29


@dataclasses.dataclass(frozen=True)
class Topology:
    """The network around the bridge.

    Attributes:
        pvs: the PVS's address; the /24 around it is the PVS's network, unless it is at home.
        pvs_at_home: whether the PVS is in the home network; then the Pi has no cable to it.
        pvs_name: the name that the PVS announces by mDNS in the home network; empty for none.
        prefix: prefix length of the home network.
        router: the home router's address.
        bridge: the address that the router always gives the Pi.
        client: the address of the home's client.
        name_servers: more addresses that the router answers to, as the name servers there.
        bridge_names: more names under which the home's name server knows the bridge.
        pvs_interface: the Pi's interface towards the PVS.
        home_interface: the Pi's interface towards the home.
    """

    pvs: str = "172.27.153.1"
    prefix: int = 24
    router: str = "192.168.20.1"
    bridge: str = "192.168.20.20"
    client: str = "192.168.20.10"
    name_servers: tuple[str, ...] = ()
    bridge_names: tuple[str, ...] = ()
    pvs_interface: str = "eth0"
    home_interface: str = "wlan0"
    pvs_at_home: bool = False
    pvs_name: str = ""

    def __post_init__(self) -> None:
        """Refuse addresses that cannot form a network.

        Raises:
            LabError: a field has an impossible value.
        """
        try:
            problem = self._problem()
        except ValueError as error:
            problem = str(error)
        if problem:
            raise LabError(f"the lab's topology: {problem}", "correct the fields of --topology")

    def _problem(self) -> str | None:
        """Return the first problem, or None.

        Raises:
            ValueError: an address is not valid.
        """
        written = (self.router, self.bridge, self.client, *([self.pvs] if self.pvs_at_home else []))
        hosts = [IPv4Address(each) for each in written]
        servers = [IPv4Address(each) for each in self.name_servers]
        interfaces = (self.pvs_interface, self.home_interface)
        ends = (self.home.network_address, self.home.broadcast_address)
        found = {
            f"the prefix must be at most {LONGEST_PREFIX}, got {self.prefix}": self.prefix
            > LONGEST_PREFIX,
            f"the PVS {self.pvs} must not be in the home network": (
                not self.pvs_at_home and self.home.overlaps(self.pvs_network)
            ),
            "a PVS at its cable announces no name": bool(self.pvs_name) and not self.pvs_at_home,
            f"all hosts must be in {self.home}": any(
                each not in self.home or each in ends for each in hosts
            ),
            "the hosts must have different addresses": len(set(hosts)) < len(hosts),
            "a name server must not have the address of another host": bool(
                {*servers} & {*hosts[1:]}
            ),
            f"the interfaces must have two valid names, got {' and '.join(interfaces)}": (
                len(set(interfaces)) == 1 or not all(map(_INTERFACE.fullmatch, interfaces))
            ),
            "bridge_names must be host names": (
                not all(map(_HOST_NAME.fullmatch, self.bridge_names))
            ),
            "pvs_name must be a host name without a domain": (
                bool(self.pvs_name)
                and ("." in self.pvs_name or not _HOST_NAME.fullmatch(self.pvs_name))
            ),
        }
        return next((problem for problem, wrong in found.items() if wrong), None)

    @property
    def home(self) -> IPv4Network:
        """The home network."""
        return IPv4Interface(f"{self.router}/{self.prefix}").network

    @property
    def pvs_network(self) -> IPv4Network:
        """The network around the PVS."""
        return IPv4Interface(f"{self.pvs}/24").network

    def to_json(self) -> str:
        """Return it as text for a command line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Topology:
        """Read a topology; fields that are not given have their default.

        Args:
            text: a JSON object.

        Raises:
            LabError: the text must be a JSON object of the fields.
        """
        try:
            fields: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in json.loads(text).items()
            }
            return cls(**fields)
        except (AttributeError, TypeError, ValueError) as error:
            known = ", ".join(field.name for field in dataclasses.fields(cls))
            raise LabError(
                f"the lab's topology cannot be read: {error}", f"write a JSON object of {known}"
            ) from None
