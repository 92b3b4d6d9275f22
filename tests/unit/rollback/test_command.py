"""The command's output for users and for the controller."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.rollback import pi
from unit.rollback.pi import Runtime

from pvs_bridge.rollback import cli as command
from pvs_bridge.rollback.rollback import Rollback

pytestmark = pytest.mark.needs_system

Run = Callable[..., "tuple[int, str]"]
_ARM = ["--controller", "anna@laptop", "--timeout-seconds", "120", "--interfaces", "eth0,wlan0"]
# Runs the command for a Pi in a folder; it loses its terminal during the undo.
_RUN = """
import os, signal, sys
from pathlib import Path
from unit.rollback.pi import Runtime
from pvs_bridge.rollback import cli
from pvs_bridge.rollback import runtime
from pvs_bridge.rollback.rollback import Rollback
Runtime().install(lambda name, function: setattr(runtime, name, function))
runtime.restore = lambda *_: os.kill(os.getpid(), signal.SIGHUP)
cli.Rollback = lambda: Rollback(Path(sys.argv[1]))
status = cli.main(sys.argv[2:])
os._exit(status)
"""


@pytest.fixture(autouse=True)
def here(rollback: Rollback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command use the folder."""
    monkeypatch.setattr(command, "Rollback", lambda: rollback)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; return its exit status and output."""

    def call(*arguments: str) -> tuple[int, str]:
        status = command.main(list(arguments))
        return status, capsys.readouterr().out

    return call


def test_status_names_the_controller_and_the_time_left(run: Run) -> None:
    assert run("status") == (0, "no network change is pending\n")
    assert run("arm", "--id", "a1", *_ARM) == (0, "")
    status, said = run("status")
    assert status == 0
    assert re.fullmatch(
        r"a change by anna@laptop, \d s old, is not confirmed yet; it will be undone in 1\d\d s\n",
        said,
    )


def test_status_names_the_last_undo_and_the_folder_of_rejected_files(
    run: Run, root: Path, rollback: Rollback
) -> None:
    run("arm", "--id", "a1", *_ARM)
    pi.change(root)
    run("undo", "--reason", "a test")
    status, said = run("status")
    first, second, third = said.splitlines()
    assert (status, first) == (0, "no network change is pending")
    assert re.fullmatch(
        r"last undone: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, a change by anna@laptop: a test",
        second,
    )
    (folder,) = rollback.rejected.iterdir()
    assert third == f"  the rejected files are in {folder}"


def test_status_prints_json_for_the_module_bridge_facts(run: Run) -> None:
    assert json.loads(run("status", "--json")[1]) == {"pending": None, "last_undone": {}}
    run("arm", "--id", "a1", *_ARM)
    pending = json.loads(run("status", "--json")[1])["pending"]
    ages = (pending.pop("age_seconds"), pending.pop("left_seconds"))
    assert pending == {"id": "a1", "controller": "anna@laptop"}
    assert 119 <= sum(ages) <= 120
    run("undo")
    assert json.loads(run("status", "--json")[1])["last_undone"]["reason"] == (
        "a user requested it"
    )


def test_without_an_identifier_any_change_is_confirmed(run: Run) -> None:
    assert run("confirm") == (1, "no network change is pending\n")
    run("arm", "--id", "a1", *_ARM)
    assert run("confirm") == (0, "confirmed: the change is kept\n")


def test_a_change_cannot_be_confirmed_while_it_is_applied(
    run: Run, rollback: Rollback, runtime: Runtime
) -> None:
    run("arm", "--id", "a1", *_ARM)
    rollback.apply("a1", "sleep 10")
    runtime.change = "running"
    assert run("confirm") == (
        1,
        "the change is still being applied; try again in a few seconds\n",
    )


def test_look_does_not_confirm(run: Run, rollback: Rollback) -> None:
    run("arm", "--id", "a1", *_ARM)
    rollback.apply("a1", "true")
    said = "the change has been applied, and is not confirmed yet\n"
    assert run("confirm", "--look") == (0, said)
    assert run("confirm")[0] == 0


def test_a_controller_gets_every_state_as_json(
    run: Run, root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    def state() -> str:
        status, said = run("confirm", "--id", "a1")
        assert status == 0
        return str(json.loads(said)["state"])

    states = [state()]
    run("arm", "--id", "a1", *_ARM)
    states.append(state())
    rollback.apply("a1", "true")
    runtime.change = "running"
    states.append(state())
    runtime.change = "done"
    states += [state(), state()]
    assert states == ["nothing", "armed", "applying", "confirmed", "confirmed"]
    run("arm", "--id", "a1", *_ARM)
    pi.change(root)
    run("undo", "--id", "a1", "--reason", "no reconnection")
    answer = json.loads(run("confirm", "--id", "a1")[1])
    assert answer["state"] == "undone"
    assert answer["undone"]["reason"] == "no reconnection"
    assert "/etc/hostname" in answer["undone"]["files"]


def test_undo_prints_each_file_and_the_result(run: Run, root: Path) -> None:
    run("arm", "--id", "a1", *_ARM)
    (root / "etc/hostname").write_text("shed\n")
    assert run("undo") == (
        0,
        "undoing the change of anna@laptop: a user requested it\n  /etc/hostname\n"
        "undone: the previous network is restored\n",
    )
    nothing = "no network change is pending\n"
    assert run("undo") == (1, nothing)
    # With an identifier, as the timer and a failed run use it, the exit status is 0.
    assert run("undo", "--id", "a1") == (0, nothing)


def test_a_refusal_is_printed_and_fails(run: Run) -> None:
    run("arm", "--id", "a1", *_ARM)
    status, said = run("arm", "--id", "b2", *_ARM)
    assert status == 1
    assert said.startswith("anna@laptop changes the network of this Pi")


def test_a_refusal_of_systemd_is_printed_and_fails(
    run: Run, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("arm", "--id", "a1", *_ARM)
    runtime.refuses = {"start_service"}
    monkeypatch.setattr(sys, "stdin", io.StringIO("true"))
    assert run("apply", "--id", "a1") == (1, "systemd-run: start_service was refused\n")


def test_apply_reads_the_change_from_standard_input(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("arm", "--id", "a1", *_ARM)
    monkeypatch.setattr(sys, "stdin", io.StringIO("nmcli connection reload\n"))
    assert run("apply", "--id", "a1") == (0, "")
    script = root / "run/pvs-bridge-rollback-change.sh"
    assert script.read_text() == "nmcli connection reload\n"


def test_boot_undoes_and_says_why(run: Run, root: Path, runtime: Runtime) -> None:
    before = pi.tree(root)
    run("arm", "--id", "a1", *_ARM)
    (root / "etc/hostname").write_text("shed\n")
    status, said = run("boot")
    assert status == 0
    assert said.startswith("undoing the change of anna@laptop: the Pi was restarted before")
    assert pi.tree(root) == before
    assert runtime.done("restore") == []


def test_only_root_may_use_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    status, said = run("status")
    assert status == 1
    assert "Hint: sudo pvs-bridge rollback" in said


@pytest.mark.parametrize("lost", ["gone", "closed"])
def test_an_undo_goes_on_after_its_session_ends(root: Path, rollback: Rollback, lost: str) -> None:
    before = pi.tree(root)
    rollback.arm("a1", "anna@laptop", 120, ["eth0"])
    pi.change(root)
    reader, writer = os.pipe()
    os.close(reader)
    close = "exec >&-;" if lost == "closed" else ""
    done = subprocess.run(
        ["sh", "-c", f'{close} exec "$@"', "sh", sys.executable, "-c", _RUN, root, "undo"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert pi.tree(root) == before
    assert rollback.pending() is None


def test_a_change_is_not_confirmed_without_a_connection(run: Run, rollback: Rollback) -> None:
    run("arm", "--id", "a1", *_ARM)
    rollback.apply("a1", "true")
    waits = ("--id", "a1", "--if-connected", "nowhere0")
    assert json.loads(run("confirm", *waits)[1])["state"] == "applied"
    assert run("confirm")[0] == 0
