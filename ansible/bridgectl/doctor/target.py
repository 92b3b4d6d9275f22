"""What the inventory knows of a bridge: where it is, and what it is meant to be."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.inventory.load import Inventory, InventoryError, load
from bridgectl.validate.report import CannotWorkError

# Ansible's own names for them, the one that wins at the head.
_ADDRESS = ("ansible_ssh_host", "ansible_host")
_PORT = ("ansible_ssh_port", "ansible_port")
_USER = ("ansible_ssh_user", "ansible_user")
_KEY = ("ansible_private_key_file", "ansible_ssh_private_key_file")
_ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
# Shorter ones would be found everywhere.
_SHORTEST_SECRET = 4


@dataclasses.dataclass(frozen=True)
class Patient:
    """A bridge that is to be examined.

    Attributes:
        name: its name in the inventory.
        address: where Ansible reaches it.
        port: its TCP port; None where ssh's own configuration decides.
        user: who logs in; None where ssh's own configuration decides.
        ssh_arguments: what ssh is called with, without the address.
        pvs_interface: the Pi's interface towards the PVS.
        pvs_address: the PVS's address.
        proxy_port: where the proxy listens.
        uplink_interface: the Pi's interface towards the home.
        uplink_type: wifi, ethernet or none.
        proxy_serves_home: whether the home asks the proxy.
        translates: whether the bridge answers for a locked firmware.
        other_names: where it might be as well: its host name, NAME.local, a static address.
        secrets: values of the description that nobody else may know.
    """

    name: str
    address: str
    port: int | None
    user: str | None
    ssh_arguments: tuple[str, ...]
    pvs_interface: str
    pvs_address: str
    proxy_port: int
    uplink_interface: str
    uplink_type: str
    proxy_serves_home: bool
    translates: bool
    other_names: tuple[str, ...]
    secrets: frozenset[str]


def read(inventory: Path, limit: str) -> list[Patient]:
    """Read the bridges of an inventory.

    A description with mistakes in it will do: what cannot be read counts as left out.

    Args:
        inventory: as Ansible takes it.
        limit: one of Ansible's patterns; empty for all.

    Raises:
        CannotWorkError: the inventory cannot be read, or has no such bridge.
    """
    password = os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE")
    try:
        found = load(inventory, limit, [Path(password)] if password else [])
    except InventoryError as error:
        raise CannotWorkError(
            f"INVENTORY={inventory} cannot be read: {' '.join(str(error).split())}",
            f"correct it; `ansible-inventory -i {inventory} --list` says more",
        ) from None
    if not found.bridges:
        raise CannotWorkError(
            f"INVENTORY={inventory} has no bridge: no host is in the group pvs_bridges",
            "describe one first: make init NAME=garage",
        )
    return [_patient(found, name) for name in found.bridges]


def _patient(inventory: Inventory, name: str) -> Patient:
    """Read one bridge.

    Raises:
        CannotWorkError: it is not reached by SSH.
    """
    value = _Values(inventory, name)
    connection = value.text("ansible_connection") or "ssh"
    if connection.rpartition(".")[2] not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        raise CannotWorkError(
            f"{name}: ansible_connection is {connection}, and the doctor comes by SSH",
            "remove ansible_connection, or run pvs-bridge-health on the Pi itself",
        )
    address = value.first(_ADDRESS) or name
    port = value.first(_PORT)
    user = value.first(_USER)
    key = value.first(_KEY)
    arguments = [word for each in _ARGUMENTS for word in shlex.split(value.text(each) or "")]
    if port:
        arguments += ["-p", port]
    if user:
        arguments += ["-l", user]
    if key:
        arguments += ["-i", key]
    host_name = value.text("uplink_hostname") or name
    static = (value.text("uplink_address") or "").partition("/")[0]
    others = [f"{host_name}.local", host_name, f"{name}.local", name, static]
    return Patient(
        name=name,
        address=address,
        port=int(port) if port and port.isdecimal() else None,
        user=user,
        ssh_arguments=tuple(arguments),
        pvs_interface=value.text("pvs_link_interface") or "eth0",
        pvs_address=value.text("pvs_link_pvs_address") or "172.27.153.1",
        proxy_port=int(value.text("proxy_http_port") or 80),
        uplink_interface=value.text("uplink_interface") or "wlan0",
        uplink_type=value.text("uplink_type") or "wifi",
        proxy_serves_home=value.text("bridge_mode") != "routed",
        translates=value.text("compat_mode") != "off",
        other_names=tuple(each for each in dict.fromkeys(others) if each and each != address),
        secrets=frozenset(value.secrets()),
    )


class _Values:
    """A host's variables, each rendered by itself."""

    def __init__(self, inventory: Inventory, host: str) -> None:
        variables = inventory.variables(host)
        self._options = all_options(inventory.specs)
        defaults = {
            name: value for spec in inventory.specs for name, value in spec.defaults.items()
        }
        self._raw: Mapping[str, Any] = {**defaults, **variables}
        self._templar = Templar(loader=inventory.loader, variables=self._raw)

    def text(self, name: str) -> str | None:
        """Return a variable as a text; None where it is not there or cannot be read."""
        value = self._rendered(name)
        return None if value is None or value == "" else str(value)

    def first(self, names: tuple[str, ...]) -> str | None:
        """Return the first of some variables that is there."""
        return next(filter(None, map(self.text, names)), None)

    def secrets(self) -> Iterator[str]:
        """Name the values of all variables that hold secrets, as far as they can be read."""
        for name, option in self._options.items():
            if option.holds_secrets:
                yield from _texts(self._rendered(name), option.options)

    def _rendered(self, name: str) -> Any:  # noqa: ANN401 - any variable
        if name not in self._raw:
            return None
        try:
            return self._templar.template(self._raw[name])
        except AnsibleError:
            return None


def _texts(value: Any, options: Mapping[str, Any] | None) -> Iterator[str]:  # noqa: ANN401 - any
    """Name the secret texts within a value; of a mapping whose keys are known, only some are."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if options is None or key not in options or options[key].holds_secrets:
                yield from _texts(item, None)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, options)
    elif isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
        yield str(value)
