"""What make init and the examples write, read by Ansible and judged by the preflight."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridgectl.commands import init
from bridgectl.init.detect import Found

WORD = "sunflower"
EXAMPLE_SECRETS = {"WIFI_PASSPHRASE_GARAGE": WORD, "WIFI_PASSPHRASE_NEIGHBOUR": WORD}
ROLES = [
    "common",
    "pvs_link",
    "uplink",
    "proxy",
    "compat",
    "console_dns",
    "monitor",
    "status",
    "appliance",
    "health",
]
HOSTILE_SSIDS = [
    "home",
    "Jack & Jill's",
    'say "hi"',
    "back\\slash \\x41 \\n",
    " spaces at both ends ",
    "# no comment: really",
    "- no: list",
    "{{ 1 + 1 }}",
    "{% raw %}",
    "{# gone #}",
    "$HOME `reboot` $(reboot)",
    "!vault |",
    "*anchor &anchor",
    "no",
    "null",
    "~",
    "0123",
    "1e3",
    "2001-01-01",
    "Grüße ☀ 日本",
    "😀" * 8,
    "tab\tline\nbell\x07nul\x00",
    "\u2028\x85\ufeff\u200b",
    "x" * 32,
]

PREFLIGHT = f"""
- hosts: pvs_bridges
  gather_facts: false
  tasks:
    - pvs_bridge.core.preflight:
        roles: {json.dumps(ROLES)}
"""

COLLECT = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ dict(groups.pvs_bridges | zip(groups.pvs_bridges
          | map('extract', hostvars, 'uplink_networks'))) | to_json }}"
        dest: "{{ playbook_dir }}/collected.json"
        mode: "0600"
"""


def play(
    project: Path, inventory: Path, playbook: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook as make does."""
    command = ["ansible-playbook", "-i", str(inventory), str(playbook)]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=project,
        env={
            **os.environ,
            "PATH": path,
            "ANSIBLE_CONFIG": str(project / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def preflight(tmp_path: Path) -> Path:
    """Return a playbook of the preflight alone."""
    playbook = tmp_path / "preflight.yml"
    playbook.write_text(PREFLIGHT)
    return playbook


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one bridge for each hostile SSID, bridge-0 and so on."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    monkeypatch.setattr(init, "find_country", lambda: Found("NO", "this computer's Wi-Fi"))
    monkeypatch.setattr(init, "resolves", lambda _: False)
    for index, ssid in enumerate(HOSTILE_SSIDS):
        monkeypatch.setattr(init, "find_ssid", lambda ssid=ssid: ssid)
        name = f"bridge-{index}"
        init.write_new(folder / f"{name}.yml", init.render(name, str(folder)))
    return folder


def fill_in(inventory: Path) -> None:
    """Put a passphrase where one is missing."""
    for file in inventory.iterdir():
        text = file.read_text(encoding="utf-8")
        file.write_text(
            text.replace("passphrase: CHANGE-ME", f"passphrase: {WORD}"), encoding="utf-8"
        )


@pytest.mark.needs_system
def test_every_ssid_arrives_in_ansible_as_it_is(
    project: Path, tmp_path: Path, inventory: Path
) -> None:
    playbook = tmp_path / "collect.yml"
    playbook.write_text(COLLECT)
    done = play(project, inventory, playbook)
    assert done.returncode == 0, done.stdout + done.stderr
    collected = json.loads((tmp_path / "collected.json").read_text())
    arrived = [collected[f"bridge-{index}"][0]["ssid"] for index in range(len(HOSTILE_SSIDS))]
    assert arrived == HOSTILE_SSIDS


def test_the_preflight_takes_it_once_it_is_filled_in(
    project: Path, inventory: Path, preflight: Path
) -> None:
    fill_in(inventory)
    done = play(project, inventory, preflight)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_preflight_refuses_it_before_and_names_each_placeholder(
    project: Path, tmp_path: Path, preflight: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for question in ("find_country", "find_ssid"):
        monkeypatch.setattr(init, question, lambda: None)
    monkeypatch.setattr(init, "resolves", lambda _: False)
    file = tmp_path / "home/garage.yml"
    init.write_new(file, init.render("garage", "inventory/home"))
    done = play(project, file.parent, preflight)
    assert done.returncode == 2
    for variable in ("country", "networks[0].ssid", "networks[0].passphrase"):
        assert re.search(rf"uplink_{re.escape(variable)}: .*placeholder", done.stdout)


def test_the_examples_pass_the_preflight(project: Path, preflight: Path) -> None:
    done = play(project, project / "inventory/example", preflight, **EXAMPLE_SECRETS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_say_what_is_missing_without_their_environment(
    project: Path, preflight: Path
) -> None:
    environment = {**EXAMPLE_SECRETS, "WIFI_PASSPHRASE_GARAGE": ""}
    done = play(project, project / "inventory/example", preflight, **environment)
    assert done.returncode == 2
    assert re.search(r"garage\.yml:\d+: uplink_networks\[0\]\.passphrase: ", done.stdout)


@pytest.mark.needs_system
def test_a_vaulted_passphrase_goes_where_the_comment_says(
    project: Path, tmp_path: Path, inventory: Path
) -> None:
    file = inventory / "bridge-0.yml"
    text = file.read_text(encoding="utf-8")
    match = re.search(r"^ +#   (\S*ansible-vault .*)$", text, re.MULTILINE)
    assert match
    (tmp_path / "password").write_text("secret\n")
    environment = {**os.environ, "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password")}
    printed = subprocess.run(
        ["/bin/sh", "-c", match[1]],
        cwd=project,
        env=environment,
        input=WORD,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    file.write_text(text.replace("          passphrase: CHANGE-ME\n", printed), encoding="utf-8")
    playbook = tmp_path / "collect.yml"
    playbook.write_text(COLLECT)
    done = play(project, file, playbook, ANSIBLE_VAULT_PASSWORD_FILE=str(tmp_path / "password"))
    assert done.returncode == 0, done.stdout + done.stderr
    collected = json.loads((tmp_path / "collected.json").read_text())
    assert collected["bridge-0"][0]["passphrase"] == WORD
