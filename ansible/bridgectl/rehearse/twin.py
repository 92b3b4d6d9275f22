"""The twin: what a bridge's description becomes where there is neither radio nor real home."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml

from bridgectl.rehearse.description import Description
from bridgectl.rehearse.home import is_name, place_of
from bridgectl.rehearse.placeholders import PASSWORD_HASH
from pvs_lab.paths import lab_dir
from pvs_lab.topology import Topology

_USER = "rehearsal"


@dataclasses.dataclass(frozen=True)
class Twin:
    """What is rehearsed.

    Attributes:
        bridge: its name in the inventory, which is the real bridge's.
        address: where Ansible reaches the real bridge; files on the Pi name it.
        variables: of the roles.
        place: the world around it.
        remarks: how it differs from the real bridge, a sentence each.
    """

    bridge: str
    address: str
    variables: Mapping[str, Any]
    place: Topology
    remarks: tuple[str, ...]

    def inventory(self, lab: str) -> str:
        """Write the inventory that leads Ansible to the twin, and nowhere else.

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
                # ssh is told where the twin is, so that the address can be the real one.
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
    """Writes texts as they are: what looks like a template has been rendered already."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - any value
        """Write everything out: the values of a bridge are few, and nobody follows anchors."""
        del data
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Jinja's delimiters all begin with one of these.
    tag = "!unsafe" if re.search(r"\{[{%#]", text) else "tag:yaml.org,2002:str"
    return dumper.represent_scalar(tag, text, style='"')


_Dumper.add_representer(str, _write_text)
# Ansible's texts and numbers are of classes of its own, which know where they were written.
_Dumper.add_multi_representer(str, _write_text)
_Dumper.add_multi_representer(int, yaml.SafeDumper.represent_int)
_Dumper.add_multi_representer(float, yaml.SafeDumper.represent_float)


def make(description: Description) -> Twin:
    """Make a twin of a bridge.

    Args:
        description: of the bridge.

    Raises:
        LabError: the lab cannot make its home.
    """
    variables, remarks = dict(description.variables), []
    variables.pop("uplink_networks", None)
    if description.value("uplink_type") == "wifi":
        variables["uplink_type"] = "ethernet"
        remarks.append("its Wi-Fi is a cable: country, networks and passphrases are not rehearsed")
    if variables.pop("appliance_read_only_root", False):
        remarks.append("its root is not locked: a container starts without an initramfs")
    if "proxy_users" in description.unread:
        variables["proxy_users"] = {_USER: PASSWORD_HASH}
        if variables.get("health_user"):
            variables["health_user"] = _USER
    unread = [name for name in description.unread if name != "uplink_networks"]
    if unread:
        remarks.append(f"it has stand-ins for {', '.join(unread)}, which cannot be read here")
    place = place_of(description)
    checked = variables.get("health_address", description.address)
    if not is_name(checked) and checked != place.bridge:
        variables["health_address"] = place.bridge
    return Twin(description.bridge, description.address, variables, place, tuple(remarks))
