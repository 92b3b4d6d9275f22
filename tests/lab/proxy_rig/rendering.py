"""The role's real templates, rendered in this process."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
os.environ.setdefault("ANSIBLE_CONFIG", str(PROJECT / "ansible.cfg"))

from ansible.parsing.dataloader import DataLoader  # noqa: E402 - it reads ANSIBLE_CONFIG
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.template import Templar, trust_as_template  # noqa: E402
from ansible.utils.collection_loader import AnsibleCollectionConfig  # noqa: E402

_ROLES = (
    "common",
    "pvs_link",
    "firewall",
    "uplink",
    "proxy",
    "compat",
    "console_dns",
    "monitor",
    "status",
    "mqtt",
    "appliance",
    "health",
)
_PROXY = PROJECT / "roles/proxy"
_INVENTORY = {
    "inventory_hostname": "bridge",
    "inventory_hostname_short": "bridge",
    "ansible_managed": "Ansible managed",
    "uplink_country": "US",
}
_loaders: list[DataLoader] = []


def _loader() -> DataLoader:
    """Return the one loader, made when it is first needed: it takes half a second."""
    if not _loaders:
        if AnsibleCollectionConfig.collection_finder is None:
            init_plugin_loader()
        _loaders.append(DataLoader())
    return _loaders[0]


def variables(chosen: dict[str, Any]) -> dict[str, Any]:
    """Return all variables that the templates see.

    Args:
        chosen: what an inventory sets.
    """
    merged: dict[str, Any] = {**_read(PROJECT / "roles/common/vars/main.yml")}
    for role in _ROLES:
        merged |= _read(PROJECT / f"roles/{role}/defaults/main.yml")
    return merged | _INVENTORY | chosen | _read(_PROXY / "vars/main.yml")


@functools.cache
def _read(path: Path) -> dict[str, Any]:
    """Read variables; callers must not change the result."""
    loaded: dict[str, Any] = _loader().load_from_file(str(path), trusted_as_template=True)
    return loaded


def render(template: str, chosen: dict[str, Any]) -> str:
    """Render a template of the role proxy.

    Args:
        template: its path below the role's ``templates``.
        chosen: what an inventory sets.
    """
    templar = Templar(_loader(), variables=variables(chosen))
    lookup = "{{ lookup('ansible.builtin.template', path) }}"
    _loader().set_basedir(str(_PROXY))
    path = str(_PROXY / "templates" / template)
    templar.available_variables = {**templar.available_variables, "path": path}
    return str(templar.template(trust_as_template(lookup)))


def error_pages(chosen: dict[str, Any]) -> dict[str, str]:
    """Render haproxy's own error responses, by file name, with the line ends of HTTP.

    Args:
        chosen: what an inventory sets.
    """
    role = _read(_PROXY / "vars/main.yml")
    pages = {
        f"{status}.http": (status, message) for status, message in role["__proxy_errors"].items()
    }
    pages |= {
        f"compat_{status}.http": (status, message)
        for status, message in role["__proxy_compat_errors"].items()
    }
    pages |= {
        f"status_{status}.http": (status, message)
        for status, message in role["__proxy_status_errors"].items()
    }
    template = "etc/haproxy/pvs-bridge/error.http.j2"
    return {
        name: render(template, {**chosen, "status": status, "message": message})
        for name, (status, message) in pages.items()
    }
