"""The scenario's bridge and its surroundings, for tests that look at effects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from testinfra.host import Host

from pvs_lab.lab_client import LabClient
from pvs_lab.paths import lab_dir

_PROJECT = Path(__file__).resolve().parents[4]
_ROLES = (
    "common",
    "pvs_link",
    "firewall",
    "sshd",
    "uplink",
    "proxy",
    "compat",
    "console_dns",
    "monitor",
    "status",
    "appliance",
    "health",
)


@pytest.fixture(scope="session")
def lab() -> LabClient:
    """The lab of the scenario that molecule runs."""
    return LabClient(os.environ["LAB"])


@pytest.fixture(scope="session")
def bridge(lab: LabClient) -> Host:
    """The Pi, as its user pi sees it over SSH."""
    return testinfra.get_host(f"paramiko://bridge?ssh_config={lab_dir(lab.name)}/ssh_config")


@pytest.fixture(scope="session")
def variables() -> dict[str, Any]:
    """The bridge's variables: the roles' defaults under what the scenario sets, and sets later."""
    merged: dict[str, Any] = {}
    for role in _ROLES:
        merged |= yaml.safe_load((_PROJECT / f"roles/{role}/defaults/main.yml").read_text())
    merged["uplink_hostname"] = os.environ["LAB"]
    scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "molecule.yml"
    inventory = yaml.safe_load(scenario.read_text()).get("provisioner", {}).get("inventory", {})
    merged |= inventory.get("group_vars", {}).get("pvs_bridges", {})
    later = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "variables.yml"
    return merged | (yaml.safe_load(later.read_text()) if later.exists() else {})


@pytest.fixture(scope="session")
def login(variables: dict[str, Any]) -> str:
    """What an address begins with where the bridge asks for a password."""
    return "anna:roof@" if variables["proxy_users"] else ""


@pytest.fixture(scope="session")
def url(variables: dict[str, Any], login: str) -> str:
    """Where the home network finds the PVS's web server."""
    return f"http://{login}bridge:{variables['proxy_http_port']}"
