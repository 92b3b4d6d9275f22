"""The output of programs is read, and their failures do not stop the rollback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pvs_bridge.rollback import runtime

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Create programs by name and shell script, in place of all others."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(name: str, script: str) -> None:
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    return make


def test_any_output_of_a_program_is_read(program: Program) -> None:
    program("nmcli", r"printf 'caf\351\n'")
    assert runtime.ask("nmcli") == "caf\N{REPLACEMENT CHARACTER}\n"


def test_a_missing_program_has_no_output(program: Program) -> None:
    program("other", "")
    assert runtime.ask("nmcli", "general") == ""


def test_a_failed_step_is_printed_and_the_next_one_runs(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    program("nmcli", r"printf 'no network caf\351\n' >&2; exit 4")
    runtime.run("nmcli", "connection", "reload")
    runtime.run("iw", "reg", "get")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "nmcli connection reload: status 4: no network caf\N{REPLACEMENT CHARACTER}"
    assert second.startswith("iw reg get: ")


def test_a_starting_networkmanager_is_polled_until_it_accepts_commands(
    program: Program, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    program("nmcli", f'echo "$*" >> {asked}; test "$(/usr/bin/wc -l < {asked})" -ge 3')
    program("systemctl", "")
    before = {
        "hostname": socket.gethostname(),
        "units": ["NetworkManager.service"],
        "settings": {},
        "country": "",
        "connections": [],
        "interfaces": [],
    }
    runtime.restore(before, [])
    assert asked.read_text().splitlines()[:4] == ["general reload"] * 3 + ["connection reload"]


def test_new_units_are_stopped_before_systemd_reloads(program: Program, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    shows = "Id=pvs-bridge-firewall.service\\nActiveState=active\\n"
    program("systemctl", f'echo "$1 $2" >> {asked}; test "$1" != show || printf "{shows}"')
    before = {"hostname": socket.gethostname(), "units": [], "settings": {}, "country": ""}
    runtime.restore({**before, "connections": [], "interfaces": []}, [])
    told = [line for line in asked.read_text().splitlines() if not line.startswith(("show", "li"))]
    assert told == ["stop pvs-bridge-firewall.service", "daemon-reload "]


@pytest.mark.parametrize(
    ("active", "sub", "state"),
    [
        ("active", "exited", "done"),
        ("active", "running", "running"),
        ("activating", "start", "running"),
        ("failed", "failed", "failed"),
        ("inactive", "dead", "unknown"),
    ],
)
def test_the_state_of_the_change_is_that_of_systemd(
    program: Program, active: str, sub: str, state: str
) -> None:
    program("systemctl", f"echo ActiveState={active}; echo SubState={sub}")
    assert runtime.service_state("change") == state


@pytest.mark.parametrize("start", [runtime.start_service, runtime.start_timer])
def test_a_unit_that_systemd_refuses_is_an_error(
    program: Program, start: Callable[..., None]
) -> None:
    program("systemctl", "exit 1")
    program("systemd-run", "echo Unit was already loaded >&2; exit 1")
    more = [30] if start is runtime.start_timer else []
    with pytest.raises(OSError, match="systemd-run: Unit was already loaded"):
        start("unit", "description", *more, "/bin/true")


def test_the_hostname_is_set_if_it_differs_and_a_failure_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = []

    def give(name: str) -> None:
        given.append(name)
        if name == "shed":
            raise OSError("not permitted")

    monkeypatch.setattr(socket, "gethostname", lambda: "garage")
    monkeypatch.setattr(socket, "sethostname", give)
    for name in ("garage", "barn", "shed"):
        runtime.set_hostname(name)
    assert given == ["barn", "shed"]
    assert capsys.readouterr().out == "hostname shed: not permitted\n"
