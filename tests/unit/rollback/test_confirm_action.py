"""The controller tries every address in turn to confirm a change, and reports the outcome."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.pvs_bridge.core.plugins.action import commit_confirm

_PROJECT = Path(__file__).resolve().parents[3]
BEFORE = "192.0.2.20"
LOST = "lost"
UNDONE = {
    "reason": "it was not confirmed within 120 s",
    "files": ["/etc/hostname", "/etc/hosts"],
    "folder": "/var/lib/pvs-bridge/rollback/rejected/20260621-120000-a1",
}

# A fake ssh with a Pi behind it: answers by plan.json, and logs every call to calls.jsonl.
_SSH = """#!{python}
import json, os, pathlib, sys
if "-G" in sys.argv:  # print the configuration without connecting
    os.execvp("ssh", ["ssh", *([] if "-F" in sys.argv else ["-F", "none"]), *sys.argv[1:]])
folder = pathlib.Path(__file__).parent
plan = json.loads((folder / "plan.json").read_text())
*options, address, command = sys.argv[1:]
if "-O" in options:
    sys.exit()
apply = "pvs-bridge rollback apply" in command
with (folder / "calls.jsonl").open("a+") as calls:
    calls.seek(0)
    earlier = [json.loads(line) for line in calls]
    call = {{"address": address, "options": options, "command": command,
            "stdin": sys.stdin.read() if apply else ""}}
    calls.write(json.dumps(call) + "\\n")
if apply:
    answers = plan["apply"]
else:
    answers = plan["answers"].get(address, ["lost"])
    asked = [call for call in earlier if call["address"] == address and not call["stdin"]]
    answers = answers[min(len(asked), len(answers) - 1)]
if answers == "lost":
    print(f"ssh: connect to host {{address}} port 22: No route to host", file=sys.stderr)
    sys.exit(255)
print(answers["said"])
sys.exit(answers["status"])
"""
_PLAY = """
- hosts: all
  gather_facts: false
  remote_user: pi
  tasks:
    - pvs_bridge.core.commit_confirm:
        id: a1
        script: nmcli connection reload
        addresses: [192.0.2.21, garage.local]
        interface: wlan0
        timeout_seconds: 120
      register: confirmed
    - debug:
        msg: "<<{{ confirmed | to_json }}>>"
"""


def says(state: str, undone: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an answer of the Pi's program."""
    return {"said": json.dumps({"state": state, "undone": undone or {}}), "status": 0}


@dataclass(frozen=True)
class Run:
    """A finished play.

    Attributes:
        output: all that it printed, white space as single spaces.
        calls: ssh's calls: address, options, command, standard input.
    """

    output: str
    calls: list[dict[str, Any]]

    @property
    def result(self) -> dict[str, Any]:
        """The result of the task, if it succeeded."""
        found = re.search(r"<<(.*?)>>", self.output)
        assert found, self.output
        result: dict[str, Any] = json.loads(found[1].replace('\\"', '"'))
        return result

    @property
    def asked(self) -> list[str]:
        """The addresses that were tried, in their order."""
        return [call["address"] for call in self.calls if " confirm " in call["command"]]

    def options(self, address: str) -> str:
        """Return ssh's options at one address."""
        return next(" ".join(each["options"]) for each in self.calls if each["address"] == address)


Play = Callable[..., Run]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run the action in a play, with an ssh that answers by a plan."""

    def run(
        answers: Mapping[str, list[Any]], *arguments: str, apply: object = None, **variables: object
    ) -> Run:
        plan = {"answers": answers, "apply": apply or {"said": "", "status": 0}}
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        ssh = tmp_path / "ssh"
        ssh.write_text(_SSH.format(python=sys.executable))
        ssh.chmod(0o755)
        host = {"ansible_host": BEFORE, "ansible_ssh_executable": str(ssh), **variables}
        inventory = {"all": {"hosts": {"garage": host}}}
        (tmp_path / "inventory.yml").write_text(json.dumps(inventory))
        (tmp_path / "play.yml").write_text(_PLAY)
        program = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-i", "inventory.yml", "play.yml", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"),
                "ANSIBLE_HOME": str(tmp_path / "home"),
                "ANSIBLE_NOCOLOR": "1",
                "COLUMNS": "1000",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        calls = tmp_path / "calls.jsonl"
        noted = calls.read_text().splitlines() if calls.exists() else []
        return Run(" ".join(done.stdout.split()), [json.loads(line) for line in noted])

    return run


def test_a_pi_with_an_unchanged_address_is_confirmed_there(play: Play) -> None:
    run = play({BEFORE: [says("applying"), says("confirmed")]}, ansible_port="{{ 2000 + 222 }}")
    result = run.result
    assert (result["address"], result["moved"], result["changed"]) == (BEFORE, False, True)
    assert result["ssh_extra_args"] == ""
    begun = run.calls[0]
    assert "/usr/local/bin/pvs-bridge rollback apply --id a1" in begun["command"]
    assert begun["stdin"] == "nmcli connection reload"
    assert run.asked == [BEFORE, BEFORE]
    # With a new connection, the same user and the same port.
    confirmed = " ".join(run.calls[-1]["options"])
    assert "ControlPath=none" in confirmed
    assert "Port=2222" in confirmed
    assert 'User="pi"' in confirmed
    assert "HostKeyAlias" not in confirmed


def test_only_a_new_connection_confirms_a_change(play: Play) -> None:
    run = play({BEFORE: [says("applying"), says("applied"), says("confirmed")]})
    assert run.result["changed"]
    looks = [call["command"].partition(" confirm ")[2] for call in run.calls[1:]]
    assert ["--look" in each for each in looks] == [True, True, False]
    assert all("ControlPath=none" in " ".join(call["options"]) for call in run.calls[1:])


def test_a_pi_with_a_new_address_is_followed_and_its_host_key_checked(play: Play) -> None:
    run = play({"192.0.2.21": [LOST, says("confirmed")]}, ansible_ssh_extra_args="-o X11=no")
    result = run.result
    assert (result["address"], result["moved"]) == ("192.0.2.21", True)
    assert result["ssh_extra_args"] == f"-o X11=no -o HostKeyAlias={BEFORE}"
    assert run.asked == [BEFORE, "192.0.2.21", "garage.local", BEFORE, "192.0.2.21", BEFORE]
    assert f"HostKeyAlias={BEFORE}" in run.options("192.0.2.21")
    assert "HostKeyAlias" not in run.options(BEFORE)


def test_a_pi_that_answers_late_at_its_old_address_is_confirmed_there(play: Play) -> None:
    run = play({BEFORE: [LOST, says("confirmed")], "192.0.2.21": [says("confirmed")]})
    assert (run.result["address"], run.result["moved"]) == (BEFORE, False)


@pytest.mark.needs_system
def test_the_host_key_of_another_port_is_known_by_address_and_port(play: Play) -> None:
    run = play({"garage.local": [says("confirmed")]}, ansible_port=2222)
    assert run.result["ssh_extra_args"] == f"-o HostKeyAlias=[{BEFORE}]:2222"


@pytest.mark.needs_system
def test_the_host_key_alias_of_ssh_s_configuration_is_used(play: Play, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host garage\n  HostName {BEFORE}\n  Port 2222\n")
    run = play(
        {"garage.local": [says("confirmed")]},
        ansible_host="garage",
        ansible_ssh_common_args=f"-F {config}",
    )
    assert run.result["ssh_extra_args"] == f"-o HostKeyAlias=[{BEFORE}]:2222"


def test_an_undone_change_is_reported_with_reason_files_and_folder(play: Play) -> None:
    run = play({BEFORE: [LOST, says("undone", UNDONE)]})
    assert (
        "garage has undone the change of its network: it was not confirmed within 120 s. It is "
        "reachable as before. Restored: /etc/hostname, /etc/hosts. The rejected files are in "
        f"{UNDONE['folder']} on the Pi. Hint: correct the configuration"
    ) in run.output
    assert "failed=1" in run.output


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ("nothing", "garage has no record of this change. Hint: run again"),
        ("armed", "garage has not started the change of its network, because the connection broke"),
    ],
)
def test_a_pi_with_nothing_to_confirm_ends_the_run(play: Play, state: str, problem: str) -> None:
    run = play({BEFORE: [says(state)]})
    assert problem in run.output
    assert "failed=1" in run.output


def test_a_refused_change_fails_at_once(play: Play) -> None:
    refused = {"said": "the change a1 is not armed: it was undone, no reason", "status": 1}
    run = play({}, apply=refused)
    assert "the change a1 is not armed: it was undone, no reason" in run.output
    assert run.asked == []


def test_a_connection_broken_by_the_change_is_not_a_failure(play: Play) -> None:
    run = play({"192.0.2.21": [says("confirmed")]}, apply=LOST)
    assert run.result["address"] == "192.0.2.21"


def test_an_invalid_answer_is_requested_again(play: Play) -> None:
    strange = [{"said": "Welcome!", "status": 0}, {"said": "sudo: no", "status": 1}]
    run = play({BEFORE: [*strange, says("confirmed")]})
    assert run.result["address"] == BEFORE
    assert run.asked.count(BEFORE) == 3


def test_check_mode_does_nothing(play: Play) -> None:
    run = play({}, "--check")
    assert run.calls == []
    assert "failed=0" in run.output


def test_an_unreachable_pi_is_waited_for_until_its_undo_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    asked = []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def ask_at(address: str, *_: object) -> None:
        asked.append((now, address))
        sleep(5)
        raise AnsibleConnectionFailure(f"first line\nno route to {address}\n")

    monkeypatch.setattr(
        commit_confirm,
        "time",
        SimpleNamespace(monotonic=lambda: now, sleep=sleep, time=lambda: now),
    )
    action = commit_confirm.ActionModule.__new__(commit_confirm.ActionModule)
    monkeypatch.setattr(action, "_ask_at", ask_at, raising=False)
    action._connection = SimpleNamespace(get_option=lambda _: BEFORE)
    arguments = {"id": "a1", "addresses": [BEFORE, "garage"], "timeout_seconds": 120}
    result = action._confirm(arguments, {"inventory_hostname": "garage"})
    assert result["failed"]
    assert re.fullmatch(
        rf"garage did not come back: .* after 120 s\. Tried addresses: {BEFORE}, garage; last "
        r"error: no route to garage\. Hint: check that the Pi has power .*",
        result["msg"],
    )
    assert {address for _, address in asked} == {BEFORE, "garage"}
    # The Pi's timeout, and the time of its undo.
    assert 230 <= asked[-1][0] - 1000 <= 260


@pytest.mark.parametrize(
    ("states", "result"),
    [
        (["applying", "applied", "confirmed"], {"changed": True, "moved": False}),
        (["applied", "undone"], {"failed": True, "undone": UNDONE}),
        (["nothing"], {"failed": True}),
        (["applied"], {"failed": True}),
    ],
)
def test_a_pi_that_provisions_itself_waits_for_its_home_network(
    monkeypatch: pytest.MonkeyPatch, states: list[str], result: dict[str, Any]
) -> None:
    now = 1000.0
    asked: list[str] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def ask(options: str) -> dict[str, Any]:
        asked.append(options)
        return {"state": states[min(len(asked), len(states)) - 1], "undone": UNDONE}

    monkeypatch.setattr(commit_confirm, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    action = commit_confirm.ActionModule.__new__(commit_confirm.ActionModule)
    monkeypatch.setattr(action, "_ask", ask, raising=False)
    found = action._confirm_here({"id": "a1", "interface": "wlan0", "timeout_seconds": 120})
    assert found.items() >= result.items()
    assert set(asked) == {"--id a1 --if-connected wlan0"}
    # The Pi's timeout, and the time of its undo.
    assert now - 1000 <= 120 + 120 + 1
