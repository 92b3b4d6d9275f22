"""The Pi that is assumed for rendering: all packages and interfaces exist."""

from __future__ import annotations

import functools
from typing import Any

import yaml

from ansible_collections.pvs_bridge.core.plugins.modules.bridge_facts import RETURN

BACKENDS = ("networkmanager", "dhcpcd")


def assumed_facts(backend: str, packages: list[str], interfaces: list[str]) -> dict[str, Any]:
    """Return what ``pvs_bridge.core.bridge_facts`` would return on it.

    All other values are the samples in the documentation of that module.

    Args:
        backend: one of :data:`BACKENDS`.
        packages: the installed packages.
        interfaces: the existing network interfaces.
    """
    samples = _samples()
    a_port = samples["bridge"]["interfaces"]["wlan0"]
    return {
        **samples,
        "bridge": {
            **samples["bridge"],
            "backend": backend,
            "backends_enabled": [backend],
            "interfaces": dict.fromkeys(interfaces, a_port),
            "packages": dict.fromkeys(packages, "1"),
            "booted": True,
            "routes": False,
            "firewall": "running",
            "unconfirmed": {},
        },
    }


@functools.cache
def _samples() -> dict[str, Any]:
    return {key: _sample(value) for key, value in yaml.safe_load(RETURN).items()}


def _sample(documented: dict[str, Any]) -> Any:  # noqa: ANN401 - any value
    if "sample" in documented:
        return documented["sample"]
    return {key: _sample(value) for key, value in documented["contains"].items()}
