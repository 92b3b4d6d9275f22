"""A run ends early only on a host that is exactly as the last run has left it."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pvs_bridge.core.plugins.modules import bridge_facts

WATCHED = ["/etc/haproxy", "/etc/hosts", "/usr/local/lib/pvs-bridge"]
FACTS: dict[str, Any] = {
    "booted": True,
    "packages": {"haproxy": "3.0"},
    "units": {"haproxy.service": "active"},
    "interfaces": {"eth0": {"mac": "aa", "wireless": False, "carrier": True}},
    "default_route_interfaces": ["wlan0"],
    "unconfirmed": {},
}


def unchanged(root: pathlib.Path, inputs: str = "abc", **facts: Any) -> bool:  # noqa: ANN401 - any fact
    found = {**FACTS, **facts}
    return bridge_facts.is_unchanged(root, found, bridge_facts.state(root, found, WATCHED, inputs))


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """A host at the end of a run."""
    for name in ("etc/haproxy/haproxy.cfg", "etc/hosts", "usr/local/lib/pvs-bridge/agent.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("as written\n")
    (tmp_path / "etc/haproxy/link").symlink_to("haproxy.cfg")
    now = bridge_facts.state(tmp_path, FACTS, WATCHED, "abc")
    bridge_facts.write_record(tmp_path, now)
    return tmp_path


def test_a_host_as_recorded_is_unchanged_and_the_record_is_for_root_alone(
    root: pathlib.Path,
) -> None:
    assert unchanged(root)
    assert (root / "var/lib/pvs-bridge/provisioned.json").stat().st_mode & 0o777 == 0o600


def test_a_host_without_a_record_is_changed(root: pathlib.Path) -> None:
    (root / "var/lib/pvs-bridge/provisioned.json").unlink()
    assert not unchanged(root)


def test_a_host_with_an_unapplied_change_is_changed(root: pathlib.Path) -> None:
    marker = root / bridge_facts._UNAPPLIED / "a.json"
    marker.parent.mkdir()
    marker.write_text('{"run": "a1", "files": ["/etc/haproxy/haproxy.cfg"]}')
    assert not unchanged(root)
    bridge_facts.forget_unapplied(root, "a1")
    assert unchanged(root)


def test_a_record_that_was_cut_off_counts_for_nothing(root: pathlib.Path) -> None:
    record = root / "var/lib/pvs-bridge/provisioned.json"
    record.write_text(record.read_text()[:40])
    assert not unchanged(root)


def edit(root: pathlib.Path) -> None:
    file = root / "etc/haproxy/haproxy.cfg"
    before = file.stat()
    # As long as before, and as old.
    file.write_text("as edited!\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove(root: pathlib.Path) -> None:
    (root / "etc/hosts").unlink()


def add(root: pathlib.Path) -> None:
    (root / "etc/haproxy/another.cfg").touch()


def open_up(root: pathlib.Path) -> None:
    (root / "etc/haproxy/haproxy.cfg").chmod(0o666)


def lead_elsewhere(root: pathlib.Path) -> None:
    (root / "etc/haproxy/link").unlink()
    (root / "etc/haproxy/link").symlink_to("/dev/null")


def replace_by_a_link(root: pathlib.Path) -> None:
    (root / "etc/hosts").rename(root / "etc/other")
    (root / "etc/hosts").symlink_to("other")


@pytest.mark.parametrize("change", [edit, remove, add, open_up, lead_elsewhere, replace_by_a_link])
def test_any_change_of_a_watched_file_is_found(
    root: pathlib.Path, change: Callable[[pathlib.Path], None]
) -> None:
    change(root)
    assert not unchanged(root)


@pytest.mark.parametrize(
    "facts",
    [
        {"packages": {}},
        {"units": {"haproxy.service": "inactive"}},
        {"units": {"haproxy.service": "failed"}},
        {"interfaces": {}},
        {"booted": False},
    ],
)
def test_any_change_of_the_host_is_found(root: pathlib.Path, facts: dict[str, Any]) -> None:
    assert not unchanged(root, **facts)


def test_a_service_that_was_down_when_it_was_recorded_is_started_by_the_next_run(
    root: pathlib.Path,
) -> None:
    down = {**FACTS, "units": {"haproxy.service": "failed"}}
    bridge_facts.write_record(root, bridge_facts.state(root, down, WATCHED, "abc"))
    assert not unchanged(root, units=down["units"])


def test_other_inputs_are_a_change(root: pathlib.Path) -> None:
    assert not unchanged(root, inputs="abd")


def test_what_changes_by_itself_is_not_a_change(root: pathlib.Path) -> None:
    (root / "usr/local/lib/pvs-bridge/__pycache__").mkdir()
    (root / "usr/local/lib/pvs-bridge/__pycache__/agent.cpython-313.pyc").touch()
    no_cable = {"eth0": {"mac": "aa", "wireless": False, "carrier": False}}
    assert unchanged(root, interfaces=no_cable, default_route_interfaces=[])
