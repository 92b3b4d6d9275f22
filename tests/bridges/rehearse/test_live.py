"""The bridge itself is asked, and nothing is changed on it. A lab's Pi stands for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgectl.rehearse.live import Bridge
from bridgectl.rehearse.system import Seen
from pvs_lab.lab_client import LabClient
from pvs_lab.paths import PACKAGE_ROOT, lab_dir

NAME = f"t-live-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
INVENTORY = """
pvs_bridges:
  hosts:
    garage:
      ansible_host: garage.local
      ansible_user: {user}
      ansible_ssh_common_args: -F {lab}/ssh_config -o HostName=bridge
      ansible_control_path: {lab}/connection-{user}
      uplink_type: ethernet
"""


@pytest.fixture(scope="module")
def pi() -> Iterator[LabClient]:
    """Return a Pi that is not yet a bridge."""
    command = [sys.executable, "-m", "pvs_lab"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    up = [*command, "up", f"--lab={NAME}", "--release=bookworm", "--simulator=--latency-seconds=0"]
    subprocess.run(up, env=environment, check=True)
    try:
        yield LabClient(NAME)
    finally:
        subprocess.run([*command, "down", f"--lab={NAME}"], env=environment, check=True)


def bridge_as(user: str, folder: Path) -> Bridge:
    """Return the Pi as a bridge of an inventory."""
    file = folder / "garage.yml"
    file.write_text(INVENTORY.format(user=user, lab=lab_dir(NAME)), encoding="utf-8")
    return Bridge(file, "garage")


def test_the_system_of_a_pi_is_gathered(pi: LabClient, tmp_path: Path) -> None:
    del pi
    assert bridge_as("pi", tmp_path).gather() == (Seen("bookworm", "networkmanager"), None)


def test_the_firmware_of_the_pvs_is_gathered(pi: LabClient, tmp_path: Path) -> None:
    # The parts of a bridge that are needed: health.json, and a proxy to the PVS.
    note = '{"proxy_port": 8000}'
    pi.output("bridge", f"mkdir -p /etc/pvs-bridge && echo '{note}' > /etc/pvs-bridge/health.json")
    pi.output("bridge", f"systemd-run --unit=way python3 -c '{WAY}'")
    found, silent = bridge_as("pi", tmp_path).gather()
    assert (found.firmware, silent) == (61707, None)


WAY = """
import http.server, urllib.request
class Way(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = urllib.request.urlopen("http://172.27.153.1" + self.path).read()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", 8000), Way).serve_forever()
"""


def test_a_rejected_login_is_explained(pi: LabClient, tmp_path: Path) -> None:
    del pi
    found, silent = bridge_as("stranger", tmp_path).gather()
    assert found == Seen()
    assert silent is not None
    assert "refuses the login" in silent


def test_check_mode_shows_differences_and_changes_nothing(pi: LabClient, tmp_path: Path) -> None:
    before = pi.output("bridge", "find /etc /usr/local -newer /etc/machine-id | sort")
    count, said = bridge_as("pi", tmp_path).would_change()
    assert count
    assert "+++ after: /etc/sysctl.d/60-pvs-link.conf" in said
    assert "ok: [" not in said
    assert pi.output("bridge", "find /etc /usr/local -newer /etc/machine-id | sort") == before


def test_an_unreachable_pi_is_not_an_error(tmp_path: Path) -> None:
    file = tmp_path / "garage.yml"
    file.write_text("pvs_bridges: {hosts: {garage: {ansible_host: garage.invalid}}}\n")
    found, silent = Bridge(file, "garage").gather()
    assert found == Seen()
    assert silent is not None
    assert silent.startswith("garage: no address is known for garage.invalid")
