"""Each daemon judges its own files: the real ones refuse what they cannot read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.validate.conftest import GOOD, PROJECT, write
from unit.validate.machine import install

ROLES = "roles/{}/templates/etc/{}"
PROFILES = "NetworkManager/system-connections"
# A template of a role, what stands in it, what will stand there; who refuses it, and how.
BROKEN = {
    "haproxy": (
        ROLES.format("proxy", "haproxy/haproxy.cfg.j2"),
        "timeout connect 4s",
        "timeout connect four",
        "unexpected character 'f' in 'timeout connect'",
    ),
    "dnsmasq": (
        ROLES.format("console_dns", "dnsmasq.d/console-dns.conf.j2"),
        "bind-dynamic",
        "bind-dynamo",
        "bad option",
    ),
    "nft": (
        ROLES.format("routing", "pvs-bridge/routing.nft.j2"),
        "policy drop",
        "policy drip",
        "syntax error",
    ),
    "sshd": (
        ROLES.format("sshd", "ssh/sshd_config.d/00-pvs-bridge.conf.j2"),
        "LoginGraceTime",
        "LoginGracefully",
        "Bad configuration option",
    ),
    "NetworkManager": (
        ROLES.format("pvs_link", f"{PROFILES}/pvs-bridge-link.nmconnection.j2"),
        "method=auto",
        "method=autumn",
        "ipv4.method: property is invalid",
    ),
    "wpa_supplicant": (
        ROLES.format("uplink", "wpa_supplicant/wpa_supplicant.conf.j2"),
        "scan_ssid=",
        "scan_sid=",
        "unknown network field 'scan_sid'",
    ),
    "dhcpcd": (
        ROLES.format("pvs_link", "dhcpcd.conf.j2"),
        "nogateway",
        "nogate",
        "unknown option: nogate",
    ),
    "systemd": (
        ROLES.format("proxy", "systemd/system/haproxy.service.j2"),
        "KillMode=mixed",
        "KilMode=mixed",
        "Unknown key",
    ),
}
# One that has every file: both backends, Wi-Fi, routes, a name server, a password.
EVERYTHING = """\
---
pvs_bridges:
  hosts:
    garage:
      uplink_country: US
      uplink_networks:
        - ssid: "Jack & Jill's"
          passphrase: correct horse
        - ssid: old
          passphrase: correct horse
          security: wpa3
      bridge_mode: both
      console_dns_enabled: true
      proxy_users:
        anna: $5$abcdefgh$E6wFWSbzRRGkjAnCTq/RMAkFs5rkVhdjAUcYBFuYqE6
      proxy_stats_network: true
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs of a Pi."""
    return install(tmp_path_factory.mktemp("programs"))


def validate(project: Path, folder: Path, path: str) -> tuple[int, dict[str, Any]]:
    """Validate an inventory by a project of one's own; its status and its report."""
    done = subprocess.run(
        [sys.executable, "-m", "bridgectl", "validate", "--inventory", "inventory",
         "--output", "output", "--format", "json"],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(project / "ansible")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


@pytest.mark.needs_system
def test_every_daemon_takes_what_the_roles_write(programs: Path, tmp_path: Path) -> None:
    write(tmp_path, {"bridges.yml": EVERYTHING})
    status, report = validate(PROJECT, tmp_path, f"{programs}:{os.environ['PATH']}")
    assert report["findings"] == []
    assert report["not_checked"] == []
    assert status == 0


@pytest.mark.needs_system
def test_every_daemon_refuses_what_it_cannot_read(programs: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("ansible", "roles"):
        shutil.copytree(PROJECT / name, project / name, symlinks=True)
    shutil.copy(PROJECT / "ansible.cfg", project / "ansible.cfg")
    for template, right, wrong, _ in BROKEN.values():
        text = (project / template).read_text()
        assert text.count(right) >= 1, f"{template} has no {right!r}"
        (project / template).write_text(text.replace(right, wrong, 1))

    write(tmp_path, {"bridges.yml": EVERYTHING})
    status, report = validate(project, tmp_path, f"{programs}:{os.environ['PATH']}")
    assert status == 1
    said = {each["by"]: each for each in report["findings"]}
    assert set(said) == set(BROKEN), report
    for program, (_, right, wrong, words) in BROKEN.items():
        assert words in said[program]["problem"]
        file = tmp_path / said[program]["file"]
        assert file.is_file()
        assert str(tmp_path) not in said[program]["problem"]
        line = said[program]["line"]
        if line is not None:
            # systemd and nft name the line, haproxy and wpa_supplicant too.
            assert wrong in file.read_text().splitlines()[line - 1]
        assert right not in wrong


def test_a_missing_daemon_is_reported_with_its_package(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git") or "")
    write(tmp_path, {"bridges.yml": GOOD})
    status, report = validate(PROJECT, tmp_path, str(tools))
    assert status == 0
    found = {each["program"]: each for each in report["not_checked"]}
    for program, package in (("NetworkManager", "network-manager"), ("haproxy", "haproxy")):
        assert found[program]["problem"] == "it is not installed on this computer"
        assert found[program]["hint"] == f"apt-get install {package}"
        assert found[program]["files"] == 2


def test_a_daemon_that_cannot_run_is_not_a_finding(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("haproxy", "nmcli", "dhcpcd", "systemd-analyze"):
        (tools / name).write_text("#!/bin/sh\necho cannot load a library >&2\nexit 127\n")
        (tools / name).chmod(0o755)
    write(tmp_path, {"bridges.yml": GOOD})
    status, report = validate(PROJECT, tmp_path, f"{tools}:{os.environ['PATH']}")
    assert status == 0, report
    broken = {each["program"] for each in report["not_checked"] if "cannot load" in each["problem"]}
    assert broken == {"haproxy", "NetworkManager", "dhcpcd", "systemd"}
