"""The role's check as Ansible runs it: several Pis at once, each with its own program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.checks import check
from pvs_bridge.health.text import report_data
from pvs_bridge.host.probe import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

Build = Callable[..., Any]
VARIABLE = b'{"values": [{"name": "/sys/info/sw_rev", "value": "2025.10.13.61846"}], "count": 1}'
PLAYBOOK = """
- hosts: all
  gather_facts: false
  become: false
  tasks:
    - ansible.builtin.import_role: {name: health, tasks_from: check}
"""


@pytest.fixture
def bridge_port(body: Callable[..., bytes]) -> Iterator[int]:
    """Serve a device list; as localhost an empty object, as 127.0.0.3 only with a password."""
    refusal = b'{"result": "error", "error": "", "hint": "Give those of proxy_users."}'

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/vars"):
                return self.answer(200, VARIABLE)
            known = self.headers["Authorization"] == "Basic YW5uYTpyb29m"  # anna:roof
            if self.headers["Host"].startswith("127.0.0.3") and not known:
                return self.answer(401, refusal)
            return self.answer(200, b"{}" if "localhost" in self.headers["Host"] else body())

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Do not log."""

    server = ThreadingHTTPServer(("", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(5)


def program(folder: Path, name: str, *, out: str = "", error: str = "", status: int = 0) -> str:
    """Write a program with a fixed output, and return its path."""
    (folder / f"{name}.out").write_text(out)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat {folder}/{name}.out\necho '{error}' >&2\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def inventory(
    tmp_path: Path, make_probe: Build, reply: Build, bridge_port: int
) -> dict[str, dict[str, Any]]:
    """Configure a Pi for each way in which the check can end."""
    config = HealthConfig("eth0", "172.27.153.1", bridge_port, "wlan0", 130)
    good = json.dumps(report_data(check(config, make_probe())))
    routed = HealthConfig(
        "eth0", "172.27.153.1", bridge_port, "wlan0", 130, proxy_serves_home=False
    )
    alone = json.dumps(report_data(check(routed, make_probe())))
    bad = json.dumps(report_data(check(config, make_probe(signals={"wlan0": Signal.UP}))))
    newer = HealthConfig("eth0", "172.27.153.1", bridge_port, "wlan0", 130, translates=False)
    locked = b'{"supervisor": {"MODEL": "PVS6", "BUILD": 61846}}'
    answers = [reply(403, b"{}"), reply(200, locked), reply(200, VARIABLE)]
    untranslated = json.dumps(report_data(check(newer, make_probe(answers=answers))))
    closed = HealthConfig("eth0", "172.27.153.1", 1, "wlan0", 130)
    elsewhere = program(
        tmp_path, "elsewhere", out=json.dumps(report_data(check(closed, make_probe())))
    )
    anna = {"health_user": "anna", "health_password": "roof"}
    healthy = program(tmp_path, "healthy", out=good)
    broken = program(tmp_path, "broken", out=bad, status=1)
    confused = program(tmp_path, "confused", error="proxy_port is 0", status=2)
    absent = str(tmp_path / "absent")
    return {
        "fine": {"command": healthy, "health_show": "report"},
        "cut": {"command": broken},
        "brief": {"command": healthy},
        "forgiven": {"command": broken, "health_required": False},
        "confused": {"command": confused},
        "bare": {"command": absent},
        "stranger": {"command": healthy, "health_address": "localhost"},
        "unheard": {"command": elsewhere, "health_address": "127.0.0.9"},
        "locked": {"command": healthy, "health_address": "127.0.0.3"},
        "known": {"command": healthy, "health_address": "127.0.0.3", **anna},
        "unknown": {
            "command": healthy,
            "health_address": "127.0.0.3",
            **anna,
            "health_password": "floor",
        },
        "newer": {"command": program(tmp_path, "newer", out=untranslated)},
        "routed": {
            "command": program(tmp_path, "routed", out=alone),
            "health_address": "127.0.0.9",
        },
    }


Play = Callable[..., dict[str, str]]


@pytest.fixture
def play(tmp_path: Path, role: Path, inventory: dict[str, dict[str, Any]]) -> Play:
    """Run the check on every Pi; return the message of each one's last task."""
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 8\n")
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    common = {
        "ansible_connection": "local",
        "ansible_host": "127.0.0.1",
        "ansible_python_interpreter": sys.executable,
        "health_timeout_seconds": 5,
    }
    hosts = {name: {**common, **about} for name, about in inventory.items()}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    def run(*arguments: str) -> dict[str, str]:
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml"),
                *("play.yml", "-e", json.dumps({"__health_command": "{{ command }}"}), *arguments),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(role.parents[1] / "ansible/collections"),
                "ANSIBLE_ROLES_PATH": str(role.parent),
                "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
                "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
                "ANSIBLE_NOCOLOR": "1",
                "HOME": str(tmp_path),
            },
        )
        said = re.findall(
            r"^(ok|fatal): \[(\w+)\][^\n]*=> (\{\n.*?^\}|\{[^\n]+\})", done.stdout, re.M | re.S
        )
        ends = {host: f"{how}: {json.loads(text)['msg']}" for how, host, text in said}
        assert ends or arguments, done.stdout + done.stderr
        return ends

    return run


def test_each_end_of_the_check_is_reported(play: Play) -> None:
    ends = play()
    summary = "PVS6, firmware 2024.6, Build 61707, 3 panels, 0.60 kW"
    address = r"\nStatus page: http://[a-z0-9.]+:[0-9]+/bridge/"
    assert re.fullmatch(f"ok: brief is healthy: {summary}{address}", ends["brief"])
    assert ends["fine"].startswith("ok: Link ")
    assert re.search(f"Total: 3 panels, 0.60 kW{address}$", ends["fine"])

    problem = "The Pi has no network interface eth0 for the cable to the PVS."
    assert ends["cut"].startswith(
        f"fatal: cut: {problem}\nBroken link: Cable to the PVS (eth0 does"
    )
    assert "\nHint: If the PVS is connected to a USB adapter" in ends["cut"]
    assert ends["forgiven"].startswith(f"ok: WARNING: forgiven: {problem}\n")

    assert ends["confused"].startswith("fatal: confused: the health check could not run.\n")
    assert "Seen: proxy_port is 0\n" in ends["confused"]
    assert ends["bare"].startswith("fatal: bare: the health check is not installed.\n")

    assert ends["stranger"].startswith(
        "fatal: stranger: the Pi gets the device list, but localhost"
    )
    assert "Asked: http://localhost:" in ends["stranger"]
    assert "Seen: an answer that is not a device list\n" in ends["stranger"]
    assert "Connection refused" in ends["unheard"]
    assert "client isolation" in ends["unheard"]
    assert ends["locked"].startswith(f"ok: locked is healthy: {summary}\n")
    assert ends["known"].startswith(f"ok: known is healthy: {summary}\n")
    assert "Seen: Status code was 401" in ends["unknown"]
    assert ends["newer"].startswith(
        "ok: newer is healthy: The PVS's firmware has closed the device"
    )
    assert ends["routed"] == f"ok: routed is healthy: {summary}"


def test_check_mode_warns_but_does_not_fail(play: Play) -> None:
    ends = play("--check", "--limit", "cut,bare")
    assert ends["cut"].startswith("ok: WARNING: cut: ")
    assert "bare" not in ends
