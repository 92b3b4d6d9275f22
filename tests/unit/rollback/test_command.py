"""The command: what a person at the console, and the controller, get to read."""

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

Run = Callable[..., "tuple[int, str]"]
_ARM = ["--controller", "anna@laptop", "--timeout-seconds", "120", "--interfaces", "eth0,wlan0"]
# The command in a process of its own, for a Pi in a folder; it loses its terminal at the worst
# moment.
_RUN = """
import os, signal, sys
from pathlib import Path
from unit.rollback.pi import Runtime
from pvs_bridge.rollback import cli
from pvs_bridge.rollback import runtime
from pvs_bridge.rollback.rollback import Rollback
Runtime().stand_in(lambda name, function: setattr(runtime, name, function))
runtime.bring_back = lambda *_: os.kill(os.getpid(), signal.SIGHUP)
cli.Rollback = lambda: Rollback(Path(sys.argv[1]))
status = cli.main(sys.argv[2:])
os._exit(status)
"""


@pytest.fixture(autouse=True)
def here(rollback: Rollback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the command work on the folder."""
    monkeypatch.setattr(command, "Rollback", lambda: rollback)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; its exit status and what it says."""

    def call(*arguments: str) -> tuple[int, str]:
        status = command.main(list(arguments))
        return status, capsys.readouterr().out

    return call


def test_status_says_who_changes_what_and_how_long_it_waits(run: Run) -> None:
    assert run("status") == (0, "no change waits to be confirmed\n")
    assert run("arm", "--id", "a1", *_ARM) == (0, "")
    status, said = run("status")
    assert status == 0
    assert re.fullmatch(
        r"a change by anna@laptop, \d s old, waits to be confirmed; it will be undone in 1\d\d s\n",
        said,
    )


def test_status_names_what_was_undone_and_where_the_rejected_files_lie(
    run: Run, root: Path, rollback: Rollback
) -> None:
    run("arm", "--id", "a1", *_ARM)
    pi.change(root)
    run("undo", "--reason", "it was raining")
    status, said = run("status")
    first, second, third = said.splitlines()
    assert (status, first) == (0, "no change waits to be confirmed")
    assert re.fullmatch(
        r"last undone: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, a change by anna@laptop: it was raining",
        second,
    )
    (folder,) = rollback.rejected.iterdir()
    assert third == f"  the rejected files lie in {folder}"


def test_status_as_json_is_for_the_module_facts(run: Run) -> None:
    assert json.loads(run("status", "--json")[1]) == {"pending": None, "last_undone": {}}
    run("arm", "--id", "a1", *_ARM)
    pending = json.loads(run("status", "--json")[1])["pending"]
    ages = (pending.pop("age_seconds"), pending.pop("left_seconds"))
    assert pending == {"id": "a1", "controller": "anna@laptop"}
    assert 119 <= sum(ages) <= 120
    run("undo")
    assert json.loads(run("status", "--json")[1])["last_undone"]["reason"] == (
        "somebody asked for it"
    )


def test_a_person_confirms_whatever_waits(run: Run) -> None:
    assert run("confirm") == (1, "no change waits to be confirmed\n")
    run("arm", "--id", "a1", *_ARM)
    assert run("confirm") == (0, "confirmed: the network stays as it is\n")


def test_a_person_is_told_to_wait_while_the_change_is_carried_out(
    run: Run, rollback: Rollback, runtime: Runtime
) -> None:
    run("arm", "--id", "a1", *_ARM)
    rollback.apply("a1", "sleep 10")
    runtime.change = "running"
    assert run("confirm") == (
        1,
        "the change is still being carried out; try again in a few seconds\n",
    )


def test_a_look_says_what_waits(run: Run, rollback: Rollback) -> None:
    run("arm", "--id", "a1", *_ARM)
    rollback.apply("a1", "true")
    said = "the change has been carried out, and waits to be confirmed\n"
    assert run("confirm", "--look") == (0, said)
    assert run("confirm")[0] == 0


def test_a_controller_gets_every_outcome_as_json_and_no_error(
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
    run("undo", "--id", "a1", "--reason", "nobody came")
    answer = json.loads(run("confirm", "--id", "a1")[1])
    assert answer["state"] == "undone"
    assert answer["undone"]["reason"] == "nobody came"
    assert "/etc/hostname" in answer["undone"]["files"]


def test_undo_tells_each_file_and_what_it_came_to(run: Run, root: Path) -> None:
    run("arm", "--id", "a1", *_ARM)
    (root / "etc/hostname").write_text("shed\n")
    assert run("undo") == (
        0,
        "undoing the change of anna@laptop: somebody asked for it\n  /etc/hostname\n"
        "undone: the network is as it was\n",
    )
    nothing = "no change waits to be confirmed, so there is nothing to undo\n"
    assert run("undo") == (1, nothing)
    # For the timer and for a run that has failed it is no failure.
    assert run("undo", "--id", "a1") == (0, nothing)


def test_a_refusal_is_said_and_fails(run: Run) -> None:
    run("arm", "--id", "a1", *_ARM)
    status, said = run("arm", "--id", "b2", *_ARM)
    assert status == 1
    assert said.startswith("anna@laptop changes the network of this Pi")


def test_what_systemd_refuses_is_said_and_fails(
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
    assert said.startswith("undoing the change of anna@laptop: the Pi was started again before")
    assert pi.tree(root) == before
    assert runtime.done("bring_back") == []


def test_nobody_but_root_may_look(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    status, said = run("status")
    assert status == 1
    assert "Hint: sudo pvs-bridge-rollback" in said


@pytest.mark.parametrize("lost", ["gone", "closed"])
def test_an_undo_goes_on_when_the_session_it_was_typed_in_ends(
    root: Path, rollback: Rollback, lost: str
) -> None:
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
