"""The steps of a rehearsal: output, exit status, and that the twin is always removed."""

from __future__ import annotations

import dataclasses
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgectl.commands import rehearse
from bridgectl.rehearse import lab
from bridgectl.rehearse.config_files import File
from bridgectl.rehearse.live import Bridge
from bridgectl.rehearse.system import Seen, System
from bridgectl.rehearse.twin import Twin
from pvs_lab.errors import LabError
from pvs_lab.options import check_name

GOOD = "\nPLAY RECAP ***\ngarage : ok=3 changed=0 unreachable=0 failed=0 skipped=1\n"
CHANGED = (
    "\nTASK [proxy : Configure haproxy] ****\nchanged: [garage]\n"
    "\nTASK [health : Check] ****\nok: [garage]\n"
    "\nPLAY RECAP ***\ngarage : ok=3 changed=1 unreachable=0 failed=0 skipped=1\n"
)
HEALTHY = "\nTASK [health : Show] ****\nok: [garage] => \n    msg: garage is healthy\n" + GOOD


@dataclasses.dataclass
class Stage:
    """Stands for a lab.

    Attributes:
        lab: its name.
        as_root: what runs a command as root.
        folder: for what Ansible has to read.
    """

    lab: str
    as_root: tuple[str, ...]
    folder: Path

    remove = "make lab-down"
    # What the playbooks say, one after another; an exception is raised.
    says: tuple[Any, ...] = (CHANGED, GOOD, HEALTHY)
    cards: tuple[dict[str, File], ...] = ({}, {})
    breaks: BaseException | None = None
    done: list[str] = dataclasses.field(default_factory=list)

    def up(self, twin: Twin, system: System, report: Callable[[str], None]) -> None:
        """Note what was asked for."""
        report(f"{twin.bridge}, {system.release}")
        self.done.append("up")
        if self.breaks:
            raise self.breaks

    def down(self) -> None:
        """Note that it is gone."""
        self.done.append("down")

    def play(self, name: str, log: Path, *arguments: str) -> str:
        """Say what the test has written."""
        self.done.append(" ".join([name, log.name, *arguments]))
        said = self.says[len([each for each in self.done if ".log" in each]) - 1]
        if isinstance(said, BaseException):
            raise said
        return str(said)

    def files(self) -> dict[str, File]:
        """Return the card before the first run, then after the second."""
        self.done.append("look")
        return self.cards[self.done.count("look") - 1]

    def conffiles(self) -> dict[str, str]:
        """Return none."""
        return {}


Rehearse = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(
    inventory: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rehearse]:
    """Rehearse garage in a lab that says what the test wants; its exit status, what was done."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(Bridge, "gather", lambda _: (Seen(), "connection refused"))
    before = signal.getsignal(signal.SIGTERM)
    folder = inventory(garage="pvs_bridges: {hosts: {garage: {uplink_type: ethernet}}}\n")

    def rehearsed(*arguments: str, **behaviour: Any) -> tuple[int, list[str]]:  # noqa: ANN401
        done: list[str] = []

        def make(*options: Any) -> Stage:  # noqa: ANN401 - as a Stage is made
            made = Stage(*options)
            made.done = done
            for name, value in behaviour.items():
                setattr(made, name, value)
            return made

        monkeypatch.setattr(rehearse, "TwinLab", make)
        monkeypatch.setattr(sys, "argv", ["rehearse", f"--inventory={folder}", *arguments])
        return rehearse.main(), done

    yield rehearsed
    signal.signal(signal.SIGTERM, before)


def card(text: str) -> dict[str, File]:
    """Return a card with one file."""
    return {"etc/hostname": File("file", "0644", "root:root", text.encode())}


def test_every_step_is_done_and_the_twin_goes(
    run: Rehearse, capsys: pytest.CaptureFixture[str]
) -> None:
    status, done = run("--", "--tags=proxy", "-v")
    assert status == 0
    assert done == [
        "up",
        "look",
        "site first-run.log --tags=proxy -v",
        "site second-run.log --tags=proxy -v",
        "look",
        'health health.log --extra-vars={"health_required": true, "health_show": "summary"}',
        "down",
    ]
    printed = capsys.readouterr().out
    assert "the real bridge is not used: connection refused" in printed
    assert "garage is healthy" in printed
    assert "this is the first rehearsal" in printed
    assert "make provision INVENTORY=" in printed


def test_the_second_rehearsal_shows_what_the_first_one_had_otherwise(
    run: Rehearse, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cards=({}, card("garage\n")))
    capsys.readouterr()
    assert run("--release=bookworm", cards=({}, card("barn\n")))[0] == 0
    printed = capsys.readouterr().out
    assert "bookworm (as requested)" in printed
    assert "the last twin was trixie, networkmanager, firmware 61707" in printed
    assert "\n-garage\n+barn\n" in printed
    run(cards=({}, card("barn\n")))
    printed = capsys.readouterr().out
    assert "bookworm (as in the last rehearsal)" in printed
    assert ": none\n" in printed


def test_a_second_run_that_changes_something_is_an_error_that_names_the_task(
    run: Rehearse, capsys: pytest.CaptureFixture[str]
) -> None:
    status, done = run(says=(CHANGED, CHANGED))
    assert (status, done[-1]) == (1, "down")
    problem = capsys.readouterr().err
    assert problem.startswith("error: the second run must change nothing, but it has changed:\n")
    assert "  proxy : Configure haproxy\n" in problem
    assert "health : Check" not in problem


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_run_that_fails_ends_it_and_is_not_remembered(
    run: Rehearse, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    says = [CHANGED, GOOD, HEALTHY]
    says[count] = LabError("it failed", "mend it")  # type: ignore[call-overload] # raised
    status, done = run(says=tuple(says))
    assert (status, done[-1]) == (1, "down")
    assert capsys.readouterr().err == "error: it failed\n  hint: mend it\n"
    assert run()[0] == 0
    assert "this is the first rehearsal" in capsys.readouterr().out


@pytest.mark.parametrize("keep", ["--keep=no", "--keep=yes"])
def test_ctrl_c_takes_the_twin_along(
    run: Rehearse, capsys: pytest.CaptureFixture[str], keep: str
) -> None:
    status, done = run(keep, says=(KeyboardInterrupt(),))
    assert (status, done[-1]) == (130, "down")
    assert capsys.readouterr().err == "\ninterrupted; the twin has been removed\n"


@pytest.mark.parametrize(
    ("breaks", "status", "left"),
    [(LabError("no lab", "see its logs"), 1, ["up"]), (KeyboardInterrupt(), 130, ["up", "down"])],
)
def test_a_twin_that_does_not_come_up_leaves_its_logs(
    run: Rehearse, breaks: BaseException, status: int, left: list[str]
) -> None:
    # What a lab that has failed leaves is its logs, which removing it would take away.
    assert run("--keep=yes", breaks=breaks) == (status, left)


@pytest.mark.parametrize(
    ("says", "status"), [((CHANGED, GOOD, HEALTHY), 0), ((LabError("it failed", "mend it"),), 1)]
)
def test_a_twin_that_is_to_be_looked_at_stays(
    run: Rehearse, capsys: pytest.CaptureFixture[str], says: tuple[Any, ...], status: int
) -> None:
    found, done = run("--keep=yes", says=says)
    assert found == status
    assert "down" not in done
    assert "make lab-down" in capsys.readouterr().out


def test_a_bridge_that_answers_decides_and_is_compared_with(
    run: Rehearse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bridge, "gather", lambda _: (Seen("bookworm", "dhcpcd", 61846), None))
    for count, said, shown in ((2, "the difference", "the difference"), (0, "-", "  none\n")):
        monkeypatch.setattr(Bridge, "would_change", lambda _, c=count, s=said: (c, s))
        assert run()[0] == 0
        printed = capsys.readouterr().out
        assert "bookworm (as on the Pi), dhcpcd (as on the Pi), firmware 61846" in printed
        assert shown in printed


def test_a_bridge_that_is_to_be_left_alone_is(
    run: Rehearse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Bridge, "gather")
    monkeypatch.delattr(Bridge, "would_change")
    assert run("--live=no")[0] == 0
    assert "LIVE=no" in capsys.readouterr().out


@pytest.mark.parametrize("firmware", ["61707", "61846"])
def test_no_description_and_no_firmware_excuses_from_a_good_answer(
    run: Rehearse, inventory: Callable[..., Path], firmware: str
) -> None:
    bridge = "{uplink_type: ethernet, health_required: false}"
    inventory(garage=f"pvs_bridges: {{hosts: {{garage: {bridge}}}}}\n")
    _, done = run(f"--firmware={firmware}")
    assert '"health_required": true' in done[-2]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--firmware=new"], "FIRMWARE must be the number of a build"),
        (["--release=sid"], "RELEASE='sid' is not a release"),
        (["--limit=roof"], "LIMIT=roof selects no bridge"),
        (["--backend=systemd"], "BACKEND='systemd' is not a network backend"),
    ],
)
def test_what_cannot_be_is_said_before_there_is_a_twin(
    run: Rehearse, capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert run(*arguments) == (1, [])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: {problem}")
    assert lines[1].startswith("  hint: ")
    assert len(lines) == len(["error", "hint"])


@pytest.mark.parametrize("bridge", ["garage", "Garage_2", "a" * 63, "12", "-"])
def test_a_lab_s_name_is_one_whatever_the_bridge_is_called(bridge: str) -> None:
    name = lab.lab_name(Path("inventory/home"), bridge)
    check_name(name)
    assert name == lab.lab_name(Path("inventory/home"), bridge)
    assert name != lab.lab_name(Path("inventory/other"), bridge)
