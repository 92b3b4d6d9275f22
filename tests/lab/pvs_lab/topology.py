"""Where a lab's bridge stands: the addresses around it, and its own interfaces."""

from __future__ import annotations

import dataclasses
import json
import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from pvs_lab.errors import LabError

# The kernel takes other names too; these need no quotes in any configuration file.
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}", re.ASCII)
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
# What is smaller has no room for a router, a Pi and a client.
LONGEST_PREFIX = 29


@dataclasses.dataclass(frozen=True)
class Topology:
    """The world as the bridge sees it.

    Attributes:
        pvs: the PVS's address; the /24 around it is the PVS's network.
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

    def __post_init__(self) -> None:
        """Refuse what no network can be made of.

        Raises:
            LabError: a field has an impossible value.
        """
        try:
            problem = self._problem()
        except ValueError as error:
            problem = str(error)
        if problem:
            raise LabError(f"the lab's topology: {problem}", "give the lab another one")

    def _problem(self) -> str | None:
        """Say what cannot be.

        Raises:
            ValueError: an address is none.
        """
        hosts = [IPv4Address(each) for each in (self.router, self.bridge, self.client)]
        servers = [IPv4Address(each) for each in self.name_servers]
        interfaces = (self.pvs_interface, self.home_interface)
        ends = (self.home.network_address, self.home.broadcast_address)
        found = {
            "its prefix leaves no room for three hosts": self.prefix > LONGEST_PREFIX,
            f"it has the PVS {self.pvs} at home": self.home.overlaps(self.pvs_network),
            f"not all of its hosts are hosts of {self.home}": any(
                each not in self.home or each in ends for each in hosts
            ),
            "two of its hosts have one address": len(set(hosts)) < len(hosts),
            "a name server has the address of another host": bool({*servers} & {*hosts[1:]}),
            f"{' and '.join(interfaces)} are not two names of interfaces": (
                len(set(interfaces)) == 1 or not all(map(_INTERFACE.fullmatch, interfaces))
            ),
            "it has a name for the bridge that is none": (
                not all(map(_HOST_NAME.fullmatch, self.bridge_names))
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
        """Write it for a command line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Topology:
        """Read a topology of which only some fields may be given.

        Args:
            text: a JSON object.

        Raises:
            LabError: it is none, or has something else than the fields.
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
