"""The Pi that is assumed where there is none: all that the roles ask for is there."""

from __future__ import annotations

import functools
from typing import Any

import yaml

from ansible_collections.pvs_bridge.core.plugins.modules.bridge_facts import RETURN

BACKENDS = ("networkmanager", "dhcpcd")


def found_on(backend: str, packages: list[str], interfaces: list[str]) -> dict[str, Any]:
    """Return what ``pvs_bridge.core.bridge_facts`` would find on it.

    What is not told here is as in the samples of that module's documentation: every key is there.

    Args:
        backend: one of :data:`BACKENDS`.
        packages: those that are asked about; all are installed.
        interfaces: those that the description names; all are there.
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
