"""Read the bridges from the inventory: their addresses, and how they are configured."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.errors import CannotWorkError
from bridgectl.inventory.load import Inventory
from bridgectl.inventory.passwords import Password
from bridgectl.inventory.select import select_bridges
from pvs_bridge.host.vitals import Limits

# Ansible's variables, the one with the highest precedence first.
_ADDRESS = ("ansible_ssh_host", "ansible_host")
_PORT = ("ansible_ssh_port", "ansible_port")
_USER = ("ansible_ssh_user", "ansible_user")
_KEY = ("ansible_private_key_file", "ansible_ssh_private_key_file")
_BECOME_PASSWORD = ("ansible_sudo_pass", "ansible_become_pass", "ansible_become_password")
_ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
# Shorter texts would match within any word.
_SHORTEST_SECRET = 4


@dataclasses.dataclass(frozen=True)
class Target:
    """A bridge to check.

    Attributes:
        name: its name in the inventory.
        address: host name or IP address.
        port: its SSH port; None if ssh's own configuration decides.
        user: remote user; None if ssh's own configuration decides.
        ssh_arguments: options of ssh, without the address.
        pvs_interface: the Pi's interface to the PVS.
        pvs_address: the PVS's address.
        proxy_port: the proxy's HTTP port.
        https_port: the proxy's HTTPS port; 0 if there is none.
        uplink_interface: the Pi's interface to the home network.
        uplink_type: wifi, ethernet or none.
        proxy_serves_home: whether home clients use the proxy.
        translates: whether the compat service is enabled.
        pvs_at_home: whether the PVS is in the home network.
        other_names: other possible addresses: its host name, NAME.local, a static address.
        limits: of the vitals, from the monitor's variables.
        secrets: secret values of the configuration.
        become_password: of the remote user, for sudo; empty if it is not known.
    """

    name: str
    address: str
    port: int | None
    user: str | None
    ssh_arguments: tuple[str, ...]
    pvs_interface: str
    pvs_address: str
    proxy_port: int
    https_port: int
    uplink_interface: str
    uplink_type: str
    proxy_serves_home: bool
    translates: bool
    pvs_at_home: bool
    other_names: tuple[str, ...]
    limits: Limits
    secrets: frozenset[str]
    become_password: str = ""


def read_targets(
    inventory: Path,
    limit: str,
    passwords: Sequence[Password] | None = None,
    become_password: str = "",
) -> list[Target]:
    """Read the bridges of an inventory.

    The configuration may contain errors: values that cannot be read count as not set.

    Args:
        inventory: a file or a folder.
        limit: an Ansible pattern; empty for all bridges.
        passwords: vault passwords; None for those of the environment.
        become_password: for sudo on all bridges; empty for those of the inventory.

    Raises:
        CannotWorkError: the inventory cannot be read, or has no such bridge.
    """
    found = select_bridges(inventory, limit, passwords)
    return [_target(found, name, become_password) for name in found.bridges]


def _target(inventory: Inventory, name: str, become_password: str) -> Target:
    """Read one bridge.

    Raises:
        CannotWorkError: its connection is not SSH.
    """
    value = _Values(inventory, name)
    connection = value.text("ansible_connection") or "ssh"
    if connection.rpartition(".")[2] not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        raise CannotWorkError(
            f"{name}: ansible_connection must be ssh for the doctor, got {connection}",
            "remove ansible_connection, or run pvs-bridge health on the Pi itself",
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
    become_password = become_password or value.first(_BECOME_PASSWORD) or ""
    host_name = value.text("uplink_hostname") or name
    static = (value.text("uplink_address") or "").partition("/")[0]
    uplink = value.text("uplink_interface") or "wlan0"
    at_home = value.text("pvs_link_type") == "home"
    others = [f"{host_name}.local", host_name, f"{name}.local", name, static]
    return Target(
        name=name,
        address=address,
        port=int(port) if port and port.isdecimal() else None,
        user=user,
        ssh_arguments=tuple(arguments),
        pvs_interface=uplink if at_home else value.text("pvs_link_interface") or "eth0",
        pvs_address=value.text("pvs_link_pvs_address") or "172.27.153.1",
        proxy_port=int(value.text("proxy_http_port") or 80),
        https_port=(
            0 if value.text("proxy_https") == "off" else int(value.text("proxy_https_port") or 443)
        ),
        uplink_interface=uplink,
        uplink_type=value.text("uplink_type") or "wifi",
        proxy_serves_home=value.text("bridge_mode") != "routed",
        translates=value.text("compat_mode") != "off",
        pvs_at_home=at_home,
        other_names=tuple(each for each in dict.fromkeys(others) if each and each != address),
        limits=Limits(
            temperature_celsius=value.number("monitor_temperature_celsius"),
            signal_dbm=value.number("monitor_signal_dbm"),
            card_free_mib=value.number("monitor_card_free_mib"),
            read_only_root=value.text("appliance_read_only_root") == "True",
        ),
        secrets=frozenset([*value.secrets(), *filter(None, [become_password])]),
        become_password=become_password,
    )


class _Values:
    """A host's variables; each is rendered by itself."""

    def __init__(self, inventory: Inventory, host: str) -> None:
        variables = inventory.variables(host)
        self._options = all_options(inventory.specs)
        self._defaults = {
            name: value for spec in inventory.specs for name, value in spec.defaults.items()
        }
        self._raw: Mapping[str, Any] = {**self._defaults, **variables}
        self._templar = Templar(loader=inventory.loader, variables=self._raw)

    def text(self, name: str) -> str | None:
        """Return a variable as a string; None if it is not set or cannot be read."""
        value = self._rendered(name)
        return None if value is None or value == "" else str(value)

    def number(self, name: str) -> int:
        """Return a variable as an integer; the role's default if it cannot be read."""
        try:
            return int(self.text(name) or "")
        except ValueError:
            return int(self._defaults[name])

    def first(self, names: tuple[str, ...]) -> str | None:
        """Return the first of several variables that is set."""
        return next(filter(None, map(self.text, names)), None)

    def secrets(self) -> Iterator[str]:
        """Return the values of all secret variables that can be read."""
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
    """Return the secret strings in a value; in a mapping with a spec, only some keys are secret."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if options is None or key not in options or options[key].holds_secrets:
                yield from _texts(item, None)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, options)
    elif isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
        yield str(value)
