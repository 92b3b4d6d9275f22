"""Connect a new card to the home network at once; the playbook follows when the services run.

The playbook takes half a minute on a slow Pi, and most new cards have only what Raspberry Pi Imager
asks for: Wi-Fi, country and host name. With these, the services of the card are right as they were
built, and only a few files are missing. They are rendered from the templates of the role uplink, so
the playbook finds them as it would write them.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pvs_bridge import atomic

PENDING = Path("/run/pvs-bridge-playbook-pending")
"""Exists until the playbook has run. In RAM, so a restart begins again."""

_VARIABLES = {"uplink_country", "uplink_hostname", "uplink_networks"}
_NETWORK = {"ssid", "psk", "passphrase", "hidden", "priority", "security"}
_COUNTRY = re.compile(r"[A-Z]{2}|00")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PSK = re.compile(r"[0-9A-Fa-f]{64}")
_PASSPHRASE = re.compile(r"[^\x00-\x1f\x7f]{8,63}")

_PROFILES = "etc/NetworkManager/system-connections"
_COUNTRY_FILE = "etc/modprobe.d/uplink-country.conf"
_OWN_NAME = re.compile(r"^127\.0\.1\.1\b.*$", re.MULTILINE)
_ANSIBLE_UUIDS = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")
"""The namespace of Ansible's filter to_uuid."""

_ROOT = Path("/")
_RELOADS = {
    "etc/haproxy/haproxy.cfg": ("systemctl", "reload", "haproxy.service"),
    _PROFILES: ("nmcli", "connection", "reload"),
}
"""What runs before the playbook, and reads files that it may change."""


def connect(variables: Mapping[str, Any], project: Path) -> bool:
    """Write the files of the connection, if the variables need nothing else.

    Args:
        variables: What the files on the boot partition say.
        project: The folder that has ``ansible`` and ``roles``.

    Returns:
        whether they are written.

    Raises:
        OSError: The card is full or read-only.
    """
    if not _is_simple(variables) or not (_ROOT / _PROFILES).is_dir():
        return False
    templates = _Templates(project)
    country = {"uplink_country": variables["uplink_country"]}
    _write(_COUNTRY_FILE, templates.render(_COUNTRY_FILE, country))
    for number, network in enumerate(variables["uplink_networks"]):
        profile = templates.render(
            f"{_PROFILES}/wifi.nmconnection",
            {"number": number, "network": network, "uplink_interface": "wlan0",
             "uplink_method": "dhcp", "uplink_dns_servers": []},
        )  # fmt: skip
        _write(f"{_PROFILES}/pvs-bridge-uplink-{number}.nmconnection", profile, 0o600)
    if "uplink_hostname" in variables:
        _write_hostname(str(variables["uplink_hostname"]))
    PENDING.touch()
    return True


def finish(run: Callable[[], object]) -> None:
    """Run the playbook after :func:`connect`, and reload the services whose files it has changed.

    Args:
        run: Runs the playbook.
    """
    if not PENDING.exists():
        return
    before = {name: _content(name) for name in _RELOADS}
    run()
    for name, command in _RELOADS.items():
        if _content(name) != before[name]:
            subprocess.run(command, check=False)
    PENDING.unlink()


def _is_simple(variables: Mapping[str, Any]) -> bool:
    """Return whether the variables are only those of a usual Wi-Fi, with usual values."""
    networks = variables.get("uplink_networks")
    return (
        variables.keys() <= _VARIABLES
        and _COUNTRY.fullmatch(str(variables.get("uplink_country", ""))) is not None
        and _HOSTNAME.fullmatch(str(variables.get("uplink_hostname", "a"))) is not None
        and isinstance(networks, list)
        and bool(networks)
        and all(map(_is_usual, networks))
    )


def _is_usual(network: Any) -> bool:  # noqa: ANN401 - what a person wrote
    if not isinstance(network, Mapping) or not network.keys() <= _NETWORK:
        return False
    secret = network.get("psk", network.get("passphrase"))
    pattern = _PSK if "psk" in network else _PASSPHRASE
    return (
        isinstance(network.get("ssid"), str)
        and 1 <= len(network["ssid"].encode()) <= 32
        and isinstance(network.get("hidden", False), bool)
        and isinstance(network.get("priority", 0), int)
        and network.get("security", "wpa2") in ("wpa2", "wpa2-wpa3")
        and isinstance(secret, str)
        and pattern.fullmatch(secret) is not None
    )


class _Templates:
    """The templates of the role uplink, rendered as Ansible does."""

    def __init__(self, project: Path) -> None:
        # Takes half a second on a slow Pi, and later boots do not need it.
        import jinja2

        folder = project / "roles/uplink/templates"
        # Not HTML, so nothing is escaped.
        self._environment = jinja2.Environment(  # noqa: S701
            loader=jinja2.FileSystemLoader([folder, folder / _PROFILES]),
            trim_blocks=True,
            keep_trailing_newline=True,
            undefined=jinja2.StrictUndefined,
        )
        wifi = _wifi(project)
        self._environment.filters |= {
            "ansible.builtin.to_uuid": lambda text: str(uuid.uuid5(_ANSIBLE_UUIDS, text)),
            "pvs_bridge.core.keyfile_ssid": wifi.keyfile_ssid,
            "pvs_bridge.core.keyfile_string": wifi.keyfile_string,
        }

    def render(self, name: str, variables: Mapping[str, Any]) -> str:
        template = self._environment.get_template(f"{name}.j2")
        return template.render(ansible_managed="Ansible managed", **variables)


def _wifi(project: Path) -> ModuleType:
    """Import the module of the filters; it needs no Ansible."""
    collection = project / "ansible/collections/ansible_collections/pvs_bridge/core"
    spec = importlib.util.spec_from_file_location(
        "wifi", collection / "plugins/plugin_utils/wifi.py"
    )
    assert spec and spec.loader  # noqa: S101 - for mypy
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write_hostname(name: str) -> None:
    _write("etc/hostname", f"{name}\n")
    hosts = (_ROOT / "etc/hosts").read_text(encoding="utf-8")
    line = f"127.0.1.1 {name}"
    if _OWN_NAME.search(hosts):
        _write("etc/hosts", _OWN_NAME.sub(line, hosts))
    else:
        _write("etc/hosts", f"{hosts.removesuffix(chr(10))}\n{line}\n")


def _write(name: str, text: str, mode: int = 0o644) -> None:
    atomic.write(_ROOT / name, text.encode(), mode)


def _content(name: str) -> list[bytes]:
    path = _ROOT / name
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file.read_bytes() for file in files if file.is_file()]
