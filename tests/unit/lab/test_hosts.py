"""Commands on the hosts of a lab: their output alone, their exit status."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pvs_lab import network
from pvs_lab.lab_client import LabClient

pytestmark = pytest.mark.needs_system

Command = Callable[..., "subprocess.CompletedProcess[str]"]

SPECIAL = """it's "quoted"; a  b \\ # & | * ~"""


@pytest.mark.parametrize("host", ["client", "bridge"])
def test_make_lab_run_prints_the_output_alone_and_the_quotes_survive(
    environment: dict[str, str], project: Path, lab: LabClient, host: str
) -> None:
    command = "printf '%s\\n' " + "'" + SPECIAL.replace("'", "'\\''") + '\'; echo "$(uname)" >&2'
    done = subprocess.run(
        ["make", "lab-run", f"LAB={lab.name}", f"HOST={host}"],
        cwd=project,
        env={**environment, "CMD": command},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{SPECIAL}\n", "Linux\n")


def test_quotes_survive_on_the_command_line_of_make(
    environment: dict[str, str], project: Path, lab: LabClient
) -> None:
    done = subprocess.run(
        ["make", "lab-run", f"LAB={lab.name}", 'CMD=echo "it\'s  quoted" \'and "this" # too\''],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ('it\'s  quoted and "this" # too\n', "")


def test_a_command_that_fails_makes_make_fail(
    environment: dict[str, str], project: Path, lab: LabClient
) -> None:
    done = subprocess.run(
        ["make", "lab-run", f"LAB={lab.name}", "CMD=exit 3"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error 3" in done.stderr


@pytest.mark.parametrize("host", network.HOSTS)
def test_run_exits_as_the_command_does(pvs_lab: Command, lab: LabClient, host: str) -> None:
    done = pvs_lab("run", "--lab", lab.name, host, "echo one; echo two >&2; exit 42")
    assert (done.returncode, done.stdout, done.stderr) == (42, "one\n", "two\n")


def test_a_command_that_a_signal_ends_exits_as_in_a_shell(pvs_lab: Command, lab: LabClient) -> None:
    assert pvs_lab("run", "--lab", lab.name, "client", "kill -TERM $$").returncode == 128 + 15


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("bridge", network.BRIDGE_ADDRESS),
        ("router", network.ROUTER_ADDRESS),
        ("client", network.CLIENT_ADDRESS),
    ],
)
def test_the_client_knows_the_hosts_of_the_home_by_name(
    lab: LabClient, name: str, address: str
) -> None:
    assert lab.output("client", f"getent ahostsv4 {name}").split()[0] == address


def test_the_client_runs_this_machine_s_programs_in_the_folder_of_the_caller(
    pvs_lab: Command, lab: LabClient, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("found\n")
    done = pvs_lab("run", "--lab", lab.name, "client", "pwd; cat mine", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"{tmp_path}\nfound\n", "")


def test_the_client_cannot_leave_the_lab(lab: LabClient) -> None:
    routes = lab.output("router", "ip route; ip -6 route show default")
    assert "default" not in routes
    links = lab.output("client", "ip -oneline link").splitlines()
    assert [line.split(": ")[1].split("@")[0] for line in links] == ["lo", "lan0"]
