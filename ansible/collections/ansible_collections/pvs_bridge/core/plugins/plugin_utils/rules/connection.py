"""Rules for how Ansible finds a bridge: its name in the inventory, its address and its SSH port."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules.ranges import PORTS
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

VARIABLES = (
    "inventory_hostname",
    "ansible_host",
    "ansible_port",
    "ansible_password",
    "ansible_become_password",
)
"""What the rules compare beside the variables of the roles."""

# Ansible's names of the controller and of groups.
_RESERVED = {
    "all": "Ansible uses it for the group of all hosts",
    "localhost": "Ansible uses it for the controller itself",
    "pvs_bridges": "it is the name of the group",
    "ungrouped": "Ansible uses it for the hosts without a group",
}
_HOST_AND_PORT = re.compile(r"(?P<host>[^:/@\[\]]+|\[[^\]]+\]):(?P<port>\d+)")


def check_name(values: Values) -> Iterator[Issue]:
    """A run would change the wrong computers."""
    name = values.text("inventory_hostname")
    if name.lower() in _RESERVED:
        yield Issue.at(
            ("inventory_hostname",),
            f"must differ from {name}, because {_RESERVED[name.lower()]}",
            "give the bridge a name of its own, such as garage",
        )


def check_address(values: Values) -> Iterator[Issue]:
    """SSH takes an address or a name, and nothing else."""
    written = values.text("ansible_host")
    problem = f"must be an address or a name, got {written!r}"
    path = ("ansible_host",)
    rest = written.partition("://")[2].partition("/")[0] or written.partition("/")[0]
    user, _, host = rest.rpartition("@")
    match = _HOST_AND_PORT.fullmatch(host)
    if match:
        host = match["host"]
    host = host.strip("[] ")
    if not written or host == written:
        if re.search(r"\s", written):
            yield Issue.at(path, problem, "remove the spaces")
        return
    hint = f"write ansible_host: {host}"
    if user:
        hint += f", and ansible_user: {user.partition(':')[0]}"
    # The port of a URL is that of the proxy.
    if match and "://" not in written:
        hint += f", and ansible_port: {match['port']}"
    # What precedes a colon before an @ may be a password.
    shown = f"must be an address or a name, got {host!r} with more" if user else problem
    yield Issue.at(path, shown, hint)


def check_port(values: Values) -> Iterator[Issue]:
    """A port that is written as text works in Ansible too."""
    written = values.get("ansible_port")
    if isinstance(written, str) and not (written.isdecimal() and int(written) in PORTS):
        problem = f"must be from {PORTS[0]} to {PORTS[-1]}, got {written!r}"
        yield Issue.at(("ansible_port",), problem, "write the port of the Pi's SSH server, or none")


RULES: tuple[Rule, ...] = (check_name, check_address, check_port)
