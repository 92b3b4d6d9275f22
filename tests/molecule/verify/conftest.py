"""The scenario's bridge and its surroundings, for tests that look at effects."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from pvs_lab import enter, lifecycle
from pvs_lab.paths import lab_dir
from pvs_lab.process import wait_until

_PROJECT = Path(__file__).resolve().parents[3]
_ROLES = ("bridge", "pvs_link", "uplink", "proxy", "console_dns", "health")


class Surroundings:
    """The scenario's lab, as a person beside it would use it.

    Attributes:
        name: the lab's name, which is the scenario's.
    """

    def __init__(self, name: str) -> None:
        """Name the lab."""
        self.name = name

    def run(self, host: str, command: str, *, timeout_seconds: float = 60) -> tuple[int, str]:
        """Run a shell command on a host; its exit status, and what it printed, errors last."""
        done = enter.run(self.name, host, ["sh", "-c", command], timeout_seconds=timeout_seconds)
        return done.returncode, done.stdout + done.stderr

    def output(self, host: str, command: str) -> str:
        """What a shell command prints that has to succeed."""
        status, printed = self.run(host, command)
        assert status == 0, f"{host}: {command}: status {status}\n{printed}"
        return printed

    def say(self, *words: str) -> None:
        """Have the lab do something: pull a cable, switch the PVS off."""
        lifecycle.command(self.name, *words)

    def simulator(self, path: str) -> Any:
        """What the PVS simulator's control port answers to a GET."""
        return json.loads(self.output("pvs", f"curl --fail --silent localhost:8099{path}"))

    def until(self, condition: Callable[[], bool], seconds: float = 30) -> bool:
        """Whether a condition comes true in time."""
        return wait_until(condition, seconds)


@pytest.fixture(scope="session")
def lab() -> Surroundings:
    """The lab of the scenario that molecule runs."""
    return Surroundings(os.environ["LAB"])


@pytest.fixture(scope="session")
def bridge(lab: Surroundings) -> Any:
    """The Pi, as its user pi sees it over SSH."""
    return testinfra.get_host(f"paramiko://bridge?ssh_config={lab_dir(lab.name)}/ssh_config")


@pytest.fixture(scope="session")
def variables() -> dict[str, Any]:
    """The bridge's variables: the roles' defaults under what the scenario sets."""
    merged: dict[str, Any] = {}
    for role in _ROLES:
        merged |= yaml.safe_load((_PROJECT / f"roles/{role}/defaults/main.yml").read_text())
    merged["uplink_hostname"] = os.environ["LAB"]
    scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "molecule.yml"
    inventory = yaml.safe_load(scenario.read_text()).get("provisioner", {}).get("inventory", {})
    return merged | inventory.get("group_vars", {}).get("pvs_bridges", {})


@pytest.fixture(scope="session")
def url(variables: dict[str, Any]) -> str:
    """Where the home network finds the PVS's web server."""
    return f"http://bridge:{variables['proxy_http_port']}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the bridge's journal to a failed test's report, as it is gone soon after."""
    report = yield
    if report.failed:
        journal = "journalctl --boot --no-pager --lines 60; ip address; ip route"
        printed = Surroundings(os.environ["LAB"]).run("bridge", journal)[1]
        report.sections.append(("the bridge's journal, addresses and routes", printed))
    return report
