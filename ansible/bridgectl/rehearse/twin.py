"""The twin: a bridge's configuration, adapted to a lab without radio and real home."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml

from bridgectl.rehearse.configuration import Configuration
from bridgectl.rehearse.home import is_name, topology_of
from pvs_lab.paths import lab_dir
from pvs_lab.topology import Topology


@dataclasses.dataclass(frozen=True)
class Twin:
    """A copy of a bridge for the lab.

    Attributes:
        bridge: name of the real bridge in the inventory.
        address: of the real bridge, which is written in files on the Pi.
        variables: of the roles.
        topology: the networks around it.
        remarks: differences to the real bridge, one sentence each.
    """

    bridge: str
    address: str
    variables: Mapping[str, Any]
    topology: Topology
    remarks: tuple[str, ...]

    def inventory(self, lab: str) -> str:
        """Return an inventory that contains only the twin.

        Args:
            lab: name of the twin's lab.
        """
        state = lab_dir(lab)
        client = f"client-of-{lab}"
        hosts = {
            self.bridge: {
                **self.variables,
                "ansible_host": self.address,
                "ansible_user": "pi",
                # ansible_host is the real address; ssh connects to the twin.
                "ansible_ssh_common_args": f"-F {state}/ssh_config -o HostName=bridge",
                "ansible_control_path": f"{state}/ansible-connection",
                "health_client": client,
            }
        }
        clients = {
            client: {
                "ansible_connection": "local",
                "ansible_python_interpreter": f"{state}/client-python",
            }
        }
        groups = {"pvs_bridges": {"hosts": hosts}, "lab_clients": {"hosts": clients}}
        return yaml.dump(groups, Dumper=_Dumper, allow_unicode=True, sort_keys=False)


class _Dumper(yaml.SafeDumper):
    """Writes strings that look like templates as plain strings, because they are rendered."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - any value
        """Write no anchors, which are hard to read."""
        del data
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # All delimiters of Jinja begin with one of these.
    tag = "!unsafe" if re.search(r"\{[{%#]", text) else "tag:yaml.org,2002:str"
    return dumper.represent_scalar(tag, text, style='"')


_Dumper.add_representer(str, _write_text)
# Ansible's strings and numbers are subclasses with tags.
_Dumper.add_multi_representer(str, _write_text)
_Dumper.add_multi_representer(int, yaml.SafeDumper.represent_int)
_Dumper.add_multi_representer(float, yaml.SafeDumper.represent_float)


def make_twin(configuration: Configuration) -> Twin:
    """Create the twin of a bridge.

    Args:
        configuration: of the bridge.

    Raises:
        CannotWorkError: the lab cannot have its addresses.
    """
    variables, remarks = dict(configuration.variables), []
    variables.pop("uplink_networks", None)
    if configuration.value("uplink_type") == "wifi":
        variables["uplink_type"] = "ethernet"
        remarks.append(
            "Wi-Fi is replaced by Ethernet: country, networks and passphrases are not tested"
        )
    if variables.pop("appliance_read_only_root", False):
        remarks.append("its root is not locked, because a container starts without an initramfs")
    users = variables.get("proxy_users") or {}
    if variables.get("health_user") and variables["health_user"] not in users:
        # proxy_users could not be read, and has a placeholder user.
        variables["health_user"] = next(iter(users))
        remarks.append("proxy_users cannot be read here, and are replaced by a placeholder user")
    if variables.get("compat_password"):
        # The simulated PVS has the default password.
        variables["compat_password"] = ""
    if variables.pop("mqtt_enabled", False):
        remarks.append("the MQTT broker is not tested, because it belongs to the home")
    topology = topology_of(configuration)
    checked = variables.get("health_address", configuration.address)
    if not is_name(checked) and checked != topology.bridge:
        variables["health_address"] = topology.bridge
    return Twin(configuration.bridge, configuration.address, variables, topology, tuple(remarks))
