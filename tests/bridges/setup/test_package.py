"""A Pi becomes a bridge by the Debian package alone, without a controller."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bridges.rollback.bridge import UNREACHABLE, Bridge

from pvs_image.debian_package import build_package
from pvs_lab import enter

# The Pi keeps its name; the home's DNS knows it as bridge.
DEVICE_LIST = (
    "curl --silent --fail --max-time 60 --connect-to raspberrypi::bridge: "
    "'http://raspberrypi:{port}/cgi-bin/dl_cgi?Command=DeviceList'"
)
FILE = "/etc/pvs-bridge/bridge.yml"
MOST_SECONDS = 180


@pytest.fixture(scope="module")
def new_pi() -> Iterator[Bridge]:
    """A Pi in the home network, with the package's file in its root folder."""
    pi = Bridge("t-package")
    pi.command("up", "--release=trixie", "--backend=networkmanager")
    try:
        pi.wait_for_boot()
        yield pi
    finally:
        pi.command("down")


@pytest.fixture(scope="module")
def package(new_pi: Bridge, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Install the package; return the seconds that it took."""
    file = build_package(tmp_path_factory.mktemp("package"), int(time.time()))
    copy_to_pi(new_pi, file)
    began = time.monotonic()
    new_pi.output("bridge", f"apt-get update && apt-get install --yes /root/{file.name}")
    return time.monotonic() - began


@pytest.fixture(scope="module")
def installed(new_pi: Bridge, package: float) -> float:
    """Set the Pi up; return the seconds that package and setup took."""
    began = time.monotonic()
    status, said = answered(new_pi, "setup", "yy")
    assert status == 0, said
    assert "These changes are planned" in said
    assert "+++ after" in said
    assert "Status page: http://raspberrypi.local/bridge/" in said
    return package + time.monotonic() - began


def copy_to_pi(pi: Bridge, file: Path) -> None:
    command = enter.command_on(pi.name, "bridge", ["sh", "-c", f"cat > /root/{file.name}"])
    with file.open("rb") as stream:
        subprocess.run(command, stdin=stream, check=True)


def answered(pi: Bridge, command: str, answers: str, editor: str = "") -> tuple[int, str]:
    """Run a command of pvs-bridge in a terminal.

    Args:
        pi: the Pi.
        command: its name.
        answers: one letter for each question.
        editor: a program that edits the file whose name it gets.

    Returns:
        its exit status and output.
    """
    typed = "\\n".join([*answers, ""])
    in_terminal = f"script --quiet --return --command 'pvs-bridge {command}' /dev/null"
    return pi.run(
        "bridge", f"export VISUAL='{editor}'; printf '{typed}' | {in_terminal}",
        timeout_seconds=MOST_SECONDS,
    )  # fmt: skip


def run(pi: Bridge, command: str) -> str:
    """Run a command of pvs-bridge that takes longer; return what it prints."""
    status, said = pi.run("bridge", f"pvs-bridge {command}", timeout_seconds=MOST_SECONDS)
    assert status == 0, said
    return said


def changed(said: str) -> int:
    """Return the number of changed tasks."""
    (count,) = re.findall(r"\bchanged=(\d+)", said)
    return int(count)


@pytest.mark.core
@pytest.mark.parametrize("answers", ["n", "yn"])
def test_a_refusal_changes_nothing(new_pi: Bridge, package: float, answers: str) -> None:
    assert package
    status, said = answered(new_pi, "setup", answers)
    assert status == 1, said
    assert new_pi.run("bridge", "test -e /usr/local/bin/pvs-bridge")[0] != 0
    new_pi.output("bridge", f"rm -f {FILE}")


def test_the_cable_of_the_pvs_may_be_plugged_in_later(new_pi: Bridge, package: float) -> None:
    assert package
    new_pi.say("cable", "pvs", "out")
    try:
        status, said = answered(new_pi, "setup", "yn")
        variables = new_pi.output("bridge", f"cat {FILE}; rm {FILE}")
    finally:
        new_pi.say("cable", "pvs", "in")
    assert status == 1
    assert "eth0, no cable" in said
    assert "health_required: false" in variables


@pytest.mark.core
def test_without_a_terminal_the_setup_refuses(new_pi: Bridge, package: float) -> None:
    assert package
    status, said = new_pi.run("bridge", "pvs-bridge setup < /dev/null")
    assert status == 1
    assert "run this in a terminal" in said
    assert new_pi.run("bridge", f"test -e {FILE}")[0] != 0


@pytest.mark.core
def test_a_new_pi_is_a_bridge_in_three_minutes(new_pi: Bridge, installed: float) -> None:
    assert installed < MOST_SECONDS
    assert '"devices"' in new_pi.output("client", DEVICE_LIST.format(port=80))
    assert new_pi.output("bridge", f"stat --format=%a {FILE}") == "600\n"
    # The domain in the PVS's lease is not the home's.
    names = new_pi.output("bridge", "cat /etc/haproxy/haproxy.cfg")
    assert "raspberrypi.local" in names
    assert "pvs.example" not in names


@pytest.mark.core
def test_a_second_setup_changes_nothing(new_pi: Bridge, installed: float) -> None:
    assert installed
    assert changed(run(new_pi, "setup --yes")) == 0


@pytest.mark.core
def test_a_network_that_leads_nowhere_is_undone(new_pi: Bridge, installed: float) -> None:
    assert installed
    variables = {"uplink_type": "ethernet", **UNREACHABLE}
    new_pi.output("bridge", f"cp {FILE} /root/kept.yml")
    new_pi.output("bridge", f"sed -i '/^uplink_type/d' {FILE}")
    for name, value in variables.items():
        new_pi.output("bridge", f"echo '{name}: {json.dumps(value)}' >> {FILE}")
    status, said = new_pi.run("bridge", "pvs-bridge apply", timeout_seconds=MOST_SECONDS)
    new_pi.output("bridge", f"mv /root/kept.yml {FILE}")
    assert status != 0
    assert "this Pi has undone the change of its network" in said
    asked = DEVICE_LIST.format(port=80)
    assert new_pi.until(lambda: new_pi.run("client", asked)[0] == 0)


def test_a_wrong_variable_is_named_before_anything_changes(
    new_pi: Bridge, installed: float
) -> None:
    assert installed
    new_pi.output("bridge", f"cp {FILE} /root/kept.yml && echo 'proxy_http_prt: 81' >> {FILE}")
    status, said = new_pi.run("bridge", "pvs-bridge apply", timeout_seconds=MOST_SECONDS)
    new_pi.output("bridge", f"mv /root/kept.yml {FILE}")
    assert status != 0
    assert "proxy_http_prt" in said
    assert f"{FILE}" in said
    assert "changed=0" in said


def test_a_changed_variable_is_shown_and_applied(new_pi: Bridge, installed: float) -> None:
    assert installed
    new_pi.output("bridge", f"echo 'proxy_http_port: 8081' >> {FILE}")
    assert ":8081" in run(new_pi, "check")
    run(new_pi, "apply")
    assert '"devices"' in new_pi.output("client", DEVICE_LIST.format(port=8081))


def test_an_edit_is_applied_if_it_is_correct(new_pi: Bridge, installed: float) -> None:
    assert installed
    before = new_pi.output("bridge", f"cat {FILE}")
    wrong = "sed --in-place s/uplink_interface:/uplink_interfce:/"
    status, said = answered(new_pi, "edit", "n", editor=wrong)
    assert status == 1
    assert "uplink_interfce" in said
    assert "Edit again?" in said
    assert new_pi.output("bridge", f"cat {FILE}") == before
    right = 'sed --in-place "$ a proxy_cache_seconds: 7"'
    status, said = answered(new_pi, "edit", "y", editor=right)
    assert status == 0, said
    new_pi.output("bridge", "grep --recursive 'X-Pvs-Bridge-Cache 7' /etc/haproxy")


def test_a_removed_package_leaves_nothing_of_it(new_pi: Bridge, installed: float) -> None:
    assert installed
    new_pi.output("bridge", "apt-get remove --yes pvs-bridge")
    assert new_pi.run("bridge", "test -e /usr/share/pvs-bridge")[0] != 0
    # The bridge itself works on.
    assert new_pi.run("bridge", "pvs-bridge health")[0] == 0
