"""A Pi that does not fit its description: said in one error, before anything changes on it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pvs_lab.lab_client import LabClient

pytestmark = pytest.mark.needs_system

# Tests that run side by side have labs of their own.
NAME = f"t-contact-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
PROJECT = Path(__file__).resolve().parents[3]
# The name servers come from DHCP, whatever is done to the Pi.
LIST_FILES = (
    "find /boot /etc /opt /usr /var/lib/dpkg /home -xdev -type f ! -path '*/.ansible/*' "
    "! -name resolv.conf -printf '%p %s %T@\\n' | sort"
)
WIFI = {
    "uplink_type": "wifi",
    "uplink_country": "NO",
    "uplink_networks": [{"ssid": "home", "passphrase": "correct horse"}],
}


@dataclasses.dataclass(frozen=True)
class Run:
    """What ansible-playbook did.

    Attributes:
        status: its exit status.
        output: all that it printed.
    """

    status: int
    output: str

    def recap(self, what: str) -> int:
        """Return a number of the bridge's line in the recap."""
        found = re.search(rf"^{NAME} .* {what}=(\d+)", self.output, re.MULTILINE)
        assert found, self.output
        return int(found[1])

    def assert_refused(self, problem: str, hint: str) -> None:
        """One task has failed, with a problem and a hint, and nothing has changed."""
        assert self.status == 2, self.output
        counts = {what: self.recap(what) for what in ("changed", "failed", "unreachable")}
        assert counts == {"changed": 0, "failed": 1, "unreachable": 0}
        assert len(re.findall(r"^(?:fatal|failed): ", self.output, re.MULTILINE)) == 1
        assert "Traceback" not in self.output
        words = " ".join(self.output.split())
        assert problem in words
        assert hint in words.partition(problem)[2]


Play = Callable[..., Run]


@pytest.fixture(scope="module")
def lab() -> Iterator[LabClient]:
    """Start a Pi that is not provisioned yet."""
    command = [sys.executable, "-m", "pvs_lab"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "tests/lab")}
    subprocess.run([*command, "up", "--lab", NAME], env=environment, check=True)
    try:
        yield LabClient(NAME)
    finally:
        subprocess.run([*command, "down", "--lab", NAME], env=environment, check=True)


@pytest.fixture(scope="module", autouse=True)
def files_before(lab: LabClient) -> str:
    """Remember what is on the Pi."""
    lab.run("bridge", "systemctl is-system-running --wait")
    return lab.output("bridge", LIST_FILES)


@pytest.fixture
def play(lab: LabClient) -> Play:
    """Run a playbook on it as a person does."""

    def run(playbook: str = "site", **variables: object) -> Run:
        extra = ["-e", json.dumps(variables)] if variables else []
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-i", "inventory/lab", f"ansible/{playbook}.yml", *extra],
            cwd=PROJECT,
            env={**os.environ, "LAB": lab.name, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "1000"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return Run(done.returncode, done.stdout)

    return run


@contextlib.contextmanager
def aside(lab: LabClient, file: str, instead: str = "") -> Iterator[None]:
    """Take a file of the Pi away for a while, another text in its place if there is one."""
    lab.output("bridge", f"mv {file} /root/aside")
    try:
        if instead:
            lab.output("bridge", f"printf '{instead}' > {file}")
        yield
    finally:
        lab.output("bridge", f"mv /root/aside {file}")


def test_a_user_without_the_right_to_sudo(lab: LabClient, play: Play) -> None:
    with aside(lab, "/etc/sudoers.d/010_pi-nopasswd"):
        found = play()
    found.assert_refused(
        f"{NAME}: sudo asks pi for a password. Hint: run again with ARGS=--ask-become-pass",
        "`pi ALL=(ALL) NOPASSWD: ALL` into /etc/sudoers.d/",
    )


def test_an_operating_system_that_is_not_supported(lab: LabClient, play: Play) -> None:
    bullseye = 'ID=raspbian\\nVERSION_CODENAME=bullseye\\nPRETTY_NAME="Raspbian GNU/Linux 11"\\n'
    with aside(lab, "/usr/lib/os-release", bullseye):
        found = play()
    found.assert_refused(
        f"{NAME}: runs Raspbian GNU/Linux 11, which is not supported. Hint: ",
        "write a new card with `make image`, or upgrade the Pi to Debian 12 (bookworm) or 13",
    )


def test_an_interface_that_does_not_exist(play: Play) -> None:
    play(uplink_interface="wlan7").assert_refused(
        f"uplink_interface: {NAME} has no interface wlan7. Hint: ",
        "set uplink_interface to one of eth0, wlan0",
    )


def test_wi_fi_over_an_interface_with_a_cable(play: Play) -> None:
    play(**WIFI).assert_refused(
        f"uplink_type: wlan0 of {NAME} is not a Wi-Fi interface. Hint: ",
        "set uplink_type to ethernet",
    )


def test_a_variable_that_no_role_has(play: Play) -> None:
    play(uplink_hostnam="barn").assert_refused(
        "uplink_hostnam: is an unknown variable", "uplink_hostname"
    )


def test_the_health_check_of_a_pi_that_is_not_provisioned(play: Play) -> None:
    play("health").assert_refused(
        f"{NAME}: the health check is not installed. Hint: ", "provision this Pi first"
    )


def test_none_of_these_runs_has_left_anything_on_the_pi(lab: LabClient, files_before: str) -> None:
    """The recap counts what Ansible believes to have changed; this looks."""
    files = lab.output("bridge", LIST_FILES)
    assert set(files.splitlines()) ^ set(files_before.splitlines()) == set()
