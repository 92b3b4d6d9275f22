"""Labs come up side by side, and go without a trace, however they end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pvs_lab import lifecycle
from pvs_lab.lab_client import LabClient
from pvs_lab.paths import failed_dir, lab_dir
from pvs_lab.process import wait_until

pytestmark = pytest.mark.needs_system

Command = Callable[..., "subprocess.CompletedProcess[str]"]
BringUp = Callable[..., contextlib.AbstractContextManager[LabClient]]
TakeFootprint = Callable[[str], Any]

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
GONE = f"t-gone-{WORKER}"
OTHER = f"t-other-{WORKER}"
COUNT_PANELS = (
    "curl --fail --silent 'http://172.27.153.1/cgi-bin/dl_cgi?Command=DeviceList' "
    "| grep --only-matching '\"Inverter\"' | wc -l"
)
ADDRESSES = "ip -oneline -4 address show dev wlan0 | grep -o 'inet [0-9.]*'"


def assert_gone(footprint: Any, folder: Path) -> None:  # noqa: ANN401 - the conftest's Footprint
    """No trace is left, once the kernel has had a moment."""
    left = footprint.left(folder)
    deadline = time.monotonic() + 5
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = footprint.left(folder)
    assert left == {}
    assert not failed_dir(footprint.name).exists()


@pytest.fixture
def gone(pvs_lab: Command) -> Iterator[str]:
    """Name a lab that is taken down after the test, if the test has not done so."""
    yield GONE
    pvs_lab("down", "--lab", GONE)


def test_a_second_lab_of_the_same_name_is_refused_and_the_first_goes_on(
    pvs_lab: Command, lab: LabClient
) -> None:
    done = pvs_lab("up", "--lab", lab.name, "--release", "bookworm")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: the lab '{lab.name}' is already up (trixie, networkmanager)\n"
        f"  hint: end it by 'make lab-down LAB={lab.name}', or name another with LAB=...\n"
    )
    assert pvs_lab("status", "--lab", lab.name).returncode == 0
    assert lab.output("pvs", COUNT_PANELS) == "24\n"


def test_labs_of_different_names_have_the_same_addresses_and_do_not_see_each_other(
    pvs_lab: Command,
    bring_up: BringUp,
    footprint: TakeFootprint,
    lab: LabClient,
    tmp_path: Path,
) -> None:
    with bring_up(OTHER, "--latency-seconds 0 --panels 3") as other:
        assert {lab.name, other.name} <= {
            line.split()[0] for line in pvs_lab("list").stdout.splitlines()
        }
        assert lab.output("bridge", ADDRESSES) == other.output("bridge", ADDRESSES)
        assert (lab.output("pvs", COUNT_PANELS), other.output("pvs", COUNT_PANELS)) == (
            "24\n",
            "3\n",
        )
        of_other = footprint(other.name)
        assert not footprint(lab.name).namespaces & of_other.namespaces
        assert set(of_other.left(tmp_path)) == {
            *("process", "namespace", "mount", "cgroup", "folder", "card")
        }
        done = pvs_lab("down", "--lab", other.name)
        assert (done.returncode, done.stdout) == (0, f"lab '{OTHER}' is gone\n")
        assert_gone(of_other, tmp_path)
    assert lab.output("pvs", COUNT_PANELS) == "24\n"


def test_a_lab_whose_supervisor_was_killed_is_removed_by_down(
    pvs_lab: Command, bring_up: BringUp, footprint: TakeFootprint, gone: str, tmp_path: Path
) -> None:
    with bring_up(gone):
        before = footprint(gone)
        process = lifecycle.describe(gone).process
        os.kill(process.pid, signal.SIGKILL)
        assert wait_until(lambda: not process.alive(), 5)
        done = pvs_lab("run", "--lab", gone, "client", "true")
        assert done.returncode == 1
        assert f"error: the lab '{gone}' is not up\n" in done.stderr
        assert pvs_lab("down", "--lab", gone).returncode == 0
        assert_gone(before, tmp_path)


def test_after_a_lab_that_was_killed_one_of_two_that_come_at_once_is_up(
    pvs_lab: Command,
    environment: dict[str, str],
    bring_up: BringUp,
    footprint: TakeFootprint,
    gone: str,
    tmp_path: Path,
) -> None:
    with bring_up(gone):
        killed = footprint(gone)
        os.kill(lifecycle.describe(gone).process.pid, signal.SIGKILL)
        both = [
            subprocess.Popen(
                [sys.executable, "-m", "pvs_lab", "up", "--lab", gone],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        said = [one.communicate(timeout=120)[1] for one in both]
        assert sorted(one.returncode for one in both) == [0, 1], said
        assert "is already up" in "".join(said)
        assert LabClient(gone).output("bridge", "echo I am up") == "I am up\n"
        # What is left is the second's, which has the first one's name. Where the machine is busy,
        # the first of a killed PID namespace may outlive its control group by a moment.
        wait_until(lambda: not {"process", "namespace"} & set(killed.left(tmp_path)), 10)
        left = killed.left(tmp_path)
        assert set(left) == {"cgroup", "mount", "folder", "card"}, left
        second = footprint(gone)
        pvs_lab("down", "--lab", gone)
        assert_gone(second, tmp_path)


@pytest.mark.parametrize("sign", ["log/supervisor.log", "control"])
def test_ctrl_c_half_way_leaves_nothing(
    environment: dict[str, str], footprint: TakeFootprint, gone: str, tmp_path: Path, sign: str
) -> None:
    """First while the lab makes its world, then while it waits for the Pi."""
    # A terminal's Ctrl-C reaches make, the command and what it waits for.
    up = subprocess.Popen(
        [sys.executable, "-m", "pvs_lab", "up", "--lab", gone],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert wait_until(lambda: (lab_dir(gone) / sign).exists(), 60)
    assert wait_until(lambda: has_supervisor(gone, up.pid), 10)
    half_made = footprint(gone)
    assert half_made.left(tmp_path)
    os.killpg(up.pid, signal.SIGINT)
    printed, said = up.communicate(timeout=60)
    assert (up.returncode, printed) == (130, "")
    assert said == "interrupted; nothing of it is left running\n"
    assert_gone(half_made, tmp_path)


def has_supervisor(name: str, up: int) -> bool:
    """Whether a lab has come so far that it lives apart from the command that brings it up."""
    pid = lifecycle.describe(name).process.pid
    return pid != up and Path(f"/proc/{pid}/task/{pid}/children").read_text() != ""
