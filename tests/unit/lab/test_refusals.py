"""What cannot be is refused in two lines, before anything is made."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvs_lab import cgroup, host, lifecycle, paths
from pvs_lab.errors import LabError
from pvs_lab.lab_client import LabClient
from pvs_lab.paths import lab_dir

Command = Callable[..., "subprocess.CompletedProcess[str]"]

NAME = f"t-refused-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
AS_NOBODY = """
import os, sys
from pvs_lab.cli import main
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
sys.exit(main())
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return an empty folder for the cache."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o777)
    return folder


def assert_refused(done: subprocess.CompletedProcess[str], problem: str, hint: str) -> None:
    """One error and its hint, and no lab."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.count("\n") == 2, done.stderr
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert problem in first
    assert second.startswith("  hint: ")
    assert hint in second
    assert not lab_dir(NAME).exists()


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (["--release=sid"], "RELEASE='sid'", "bookworm, trixie"),
        (["--backend=systemd"], "BACKEND='systemd'", "networkmanager, dhcpcd"),
        (["--simulator=--panels '3"], 'SIMULATOR="--panels \'3": No closing quotation', "quote"),
    ],
)
def test_an_option_that_cannot_be(
    pvs_lab: Command, cache: Path, arguments: list[str], problem: str, hint: str
) -> None:
    done = pvs_lab("up", "--lab", NAME, *arguments, XDG_CACHE_HOME=str(cache))
    assert_refused(done, problem, hint)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["", "T-Refused", "t refused", "../t-refused", "a" * 32])
def test_a_name_that_is_none(pvs_lab: Command, cache: Path, name: str) -> None:
    done = pvs_lab("up", f"--lab={name}", XDG_CACHE_HOME=str(cache))
    assert_refused(
        done, f"LAB={name!r} is not valid as the name of a lab", "letters, digits and hyphens"
    )
    assert_refused(pvs_lab("run", f"--lab={name}", "pvs", "true"), f"LAB={name!r}", "a letter")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_down_deletes_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run_dir = tmp_path / "run/labs"
    (run_dir / "t-neighbour").mkdir(parents=True)
    monkeypatch.setattr(paths, "RUN_DIR", run_dir)
    monkeypatch.setattr(lifecycle, "RUN_DIR", run_dir)
    monkeypatch.setattr(cgroup, "remove", lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(LabError, match="is not valid as the name of a lab"):
        lifecycle.down(name)
    assert (run_dir / "t-neighbour").is_dir()


@pytest.mark.needs_system
def test_a_machine_that_makes_no_namespaces(pvs_lab: Command, cache: Path) -> None:
    without = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    done = pvs_lab("up", "--lab", NAME, before=without, XDG_CACHE_HOME=str(cache))
    assert_refused(done, "this machine cannot make network namespaces: unshare", "--privileged")
    assert list(cache.iterdir()) == []


@pytest.mark.needs_system
def test_a_user_without_root_is_refused(environment: dict[str, str], cache: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "up", "--lab", NAME],
        env={**environment, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_refused(done, "which needs root", "use sudo make")
    assert list(cache.iterdir()) == []


@pytest.mark.needs_system
def test_the_lab_of_another_user_is_refused(environment: dict[str, str], lab: LabClient) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "down", "--lab", lab.name],
        env={**environment, "XDG_CACHE_HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_refused(done, f"the lab '{lab.name}' is root's", "use sudo make")


@pytest.mark.needs_system
def test_a_tool_that_is_missing(pvs_lab: Command, cache: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in reversed(os.environ["PATH"].split(":")):
        for command in {*host.COMMANDS, "sh", "mount", "umount"} - {"mmdebstrap"}:
            if Path(folder, command).exists():
                (tools / command).unlink(missing_ok=True)
                (tools / command).symlink_to(Path(folder, command))
    done = pvs_lab("up", "--lab", NAME, PATH=str(tools), XDG_CACHE_HOME=str(cache))
    assert_refused(done, "the lab lacks mmdebstrap", "apt-get install mmdebstrap")
    assert list(cache.iterdir()) == []


@pytest.mark.needs_system
def test_an_option_that_the_simulator_refuses(
    pvs_lab: Command, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: pvs_lab("down", "--lab", NAME))
    done = pvs_lab("up", "--lab", NAME, "--simulator", "--panels zero")
    assert_refused(
        done, "the PVS simulator did not start: pvs_sim: --panels: 'zero' is not", "logs are kept"
    )
    logs = Path(done.stderr.split()[-1])
    assert "Traceback" in (logs / "supervisor.log").read_text()
    assert done.stderr.count("--panels") == 1
    pvs_lab("down", "--lab", NAME)
    assert not logs.exists()


@pytest.mark.needs_system
def test_a_host_that_is_not_in_the_lab(pvs_lab: Command, lab: LabClient) -> None:
    done = pvs_lab("run", "--lab", lab.name, "fridge", "true")
    assert_refused(done, "HOST='fridge' is not in the lab", "pvs, bridge, router, client")


def test_a_command_on_a_lab_that_is_not_up(pvs_lab: Command) -> None:
    for command in (["run", "pvs", "true"], ["status"], ["cable", "pvs", "out"]):
        done = pvs_lab(command[0], "--lab", NAME, *command[1:])
        assert_refused(done, f"the lab '{NAME}' is not up", f"make lab-up LAB={NAME}")


@pytest.mark.needs_system
def test_a_question_to_a_lab_that_is_still_coming_up(pvs_lab: Command, lab: LabClient) -> None:
    control = lab_dir(lab.name) / "control"
    aside = control.with_name("aside")
    with contextlib.ExitStack() as restore:
        control.rename(aside)
        restore.callback(aside.rename, control)
        done = pvs_lab("status", "--lab", lab.name)
    assert_refused(done, f"the lab '{lab.name}' is coming up or going down", "wait")


def test_down_of_what_is_not_up_is_fine(pvs_lab: Command) -> None:
    done = pvs_lab("down", "--lab", NAME)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"lab '{NAME}' was not up\n", "")
