"""How pytest-xdist distributes the tests, which marks they get, and what a failed one reports.

The tests of a folder share fixtures, some of them labs, so one process runs them all. Exceptions
take long and run alone: each molecule scenario, each Pi of the folders on bridges, each role of
ansible-lint, each file of the other linters and of unit/validate, each haproxy of each file of the
proxy. The tests with a radio share two guests for each network backend. Each test of the image has
a card of its own, except those that follow the life of one card. The longest tests start first.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# Before a test imports the collection.
import bridgectl.ansible_loader  # noqa: F401
from pvs_lab import failure_logs
from pvs_lab.lab_client import LabClient
from pvs_lab.options import BACKENDS

pytest_plugins = ["attack_table"]

# A shell starts a command in the background without it, and that command its programs. Some of the
# tests' programs must end at Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine pauses now and then. That must not fail an example.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

_SCENARIOS = "tests/bridges/molecule/test_scenarios.py"
_ROLLBACK = "tests/bridges/rollback/"
# Each release has a lab.
_BY_RELEASE = tuple(
    f"tests/bridges/{each}/"
    for each in ("compat", "doctor", "evil", "local_users", "monitor", "mqtt", "notify")
)
_FAULTS = "tests/nightly/faults/"
_WEAR = "tests/nightly/wear/"
_RELEASES = ("bookworm", "trixie")
_HAPROXY = re.compile(rf"(?:{'|'.join(_RELEASES)})(?:-\d{{5}}\b)?")
# Tests on bridges are slow, except those that are marked core.
_BRIDGES = (
    _ROLLBACK,
    *_BY_RELEASE,
    "tests/bridges/test_",
    "tests/bridges/boot_config/",
    "tests/bridges/molecule/",
    "tests/bridges/rehearse/",
)
_LINT = "tests/lint/"
_UNIT = "tests/unit/"
_PROXY = "tests/bridges/proxy/"
_VALIDATE = "tests/unit/validate/"
_RADIO = "tests/nightly/radio/"
_IMAGE = "tests/nightly/image/"
_LIFE_OF_A_CARD = "tests/nightly/image/test_imager.py"
# mypy and ansible-lint without their caches, on a busy machine.
_LINT_TIMEOUT_SECONDS = 900
# A provisioning or a guest's boot takes minutes on a busy machine.
_BRIDGE_TIMEOUT_SECONDS = 2400


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist carries no types
    """Send the tests of a folder to one process, with exceptions."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the name of a test's group, which one process runs."""
        path = nodeid.split("::", maxsplit=1)[0]
        if path == _SCENARIOS:
            return nodeid
        if path.startswith(_ROLLBACK):
            # Its files share a lab for each Pi, which a parameter names.
            _, bracket, pi = nodeid.partition("[")
            return pi if bracket else path
        if path.startswith((*_BY_RELEASE, _FAULTS)):
            # The same, with more parameters.
            folder = path.rpartition("/")[0]
            return next((f"{folder} {name}" for name in _RELEASES if name in nodeid), path)
        if path.startswith(_WEAR):
            # Containers by their releases, and one guest.
            folder = path.rpartition("/")[0]
            return next((f"{folder} {name}" for name in _RELEASES if name in nodeid), folder)
        if path.startswith(_RADIO):
            # For each backend, whose name each test has in brackets, a guest that joins every kind
            # of network, and one that goes through everything else.
            backend = next((each for each in BACKENDS if each in nodeid), path)
            return f"{backend} joins" if path.endswith("test_joins.py") else backend
        if path.startswith(_IMAGE):
            # One file goes through the life of one card; elsewhere each test has a card of its own.
            return path if path == _LIFE_OF_A_CARD else nodeid
        if path.startswith(_LINT):
            # ansible-lint checks each role by itself.
            return nodeid if "[" in nodeid else path
        if path.startswith(_PROXY):
            # Each process has a network of its own, with a haproxy for each release and firmware.
            which = _HAPROXY.search(nodeid)
            return f"{path} {which[0]}" if which else path
        return path if path.startswith(_VALIDATE) else path.rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling:  # noqa: ANN401 - xdist's
    """Return the scheduler for pytest-xdist."""
    return FolderScheduling(config, log)


@pytest.hookimpl(tryfirst=True)  # before pytest evaluates -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folders, and run the longest first."""
    for item in items:
        if not item.nodeid.startswith((_LINT, _UNIT)):
            item.add_marker("needs_system")
        if item.nodeid.startswith(_LINT):
            item.add_marker(pytest.mark.timeout(_LINT_TIMEOUT_SECONDS))
        # The first test of a run may build the root file system of its lab.
        if item.get_closest_marker("needs_system") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_BRIDGE_TIMEOUT_SECONDS))
        if item.nodeid.startswith(_BRIDGES) and not item.get_closest_marker("core"):
            item.add_marker("slow")
    items.sort(
        key=lambda item: (
            not item.nodeid.startswith((_SCENARIOS, _LIFE_OF_A_CARD)),
            not item.nodeid.startswith(_BRIDGES),
            not item.nodeid.startswith(_VALIDATE),
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the bridge's journal to a failed test's report, because the lab is removed soon."""
    report = yield
    # Several fixtures may return the same lab.
    found = {each for each in getattr(item, "funcargs", {}).values()
             if isinstance(each, LabClient)}  # fmt: skip
    for each in found:
        failure_logs.add(report, each)
    return report
