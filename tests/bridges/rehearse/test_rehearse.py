"""Rehearse a bridge, change its configuration, rehearse it again; and configurations that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from pvs_lab import lifecycle
from pvs_lab.process import wait_until

Rehearse = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]

BRIDGE = """
pvs_bridges:
  hosts:
    {name}:
      ansible_host: "{{{{ network }}}}.20"
      ansible_user: pi
      ansible_become_password: "{{{{ lookup('ansible.builtin.env', 'NO_SUCH_VARIABLE') }}}}"
      uplink_country: US
      uplink_networks:
        - ssid: Sunnyside
          passphrase: !vault |
            {passphrase}
      uplink_method: static
      uplink_address: "{{{{ network }}}}.20/24"
      uplink_gateway: "{{{{ network }}}}.1"
      uplink_dns_servers: [1.1.1.1]
      proxy_users:
        anna: "{{{{ hash_of_anna }}}}"
      health_user: anna
      health_password: "{{{{ lookup('ansible.builtin.env', 'NO_SUCH_VARIABLE') }}}}"
      {variable}: {value}
"""


def describe(folder: Path, name: str, variable: str, value: str) -> Path:
    """Write the inventory of a bridge whose secrets cannot be decrypted here."""
    vault = VaultLib([("default", VaultSecret(b"unknown passphrase"))])
    passphrase, of_anna = (
        vault.encrypt(secret).decode().strip().replace("\n", "\n" + " " * indent)
        for secret, indent in (("correct horse", 12), ("$6$salt$hash", 2))
    )
    text = BRIDGE.format(name=name, passphrase=passphrase, variable=variable, value=value)
    (folder / "group_vars").mkdir(parents=True, exist_ok=True)
    (folder / "group_vars/all.yml").write_text(
        f"network: 192.168.1\nhash_of_anna: !vault |\n  {of_anna}\n"
    )
    (folder / "bridge.yml").write_text(text)
    return folder


def test_the_second_rehearsal_shows_the_differences(rehearse: Rehearse, tmp_path: Path) -> None:
    folder = describe(tmp_path, "t-garage", "proxy_cache_seconds", "30")
    first = rehearse(folder)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "twin: trixie (the default), networkmanager" in first.stdout
    assert "Wi-Fi is replaced by Ethernet" in first.stdout
    assert "the twin (192.168.1.20)" in first.stdout
    assert "t-garage is healthy: PVS6, firmware 2024.6, Build 61707" in first.stdout
    assert "this is the first rehearsal" in first.stdout
    kept = Path(first.stdout.partition("its files are in ")[2].splitlines()[0])
    profile = kept / "etc/NetworkManager/system-connections/pvs-bridge-uplink.nmconnection"
    assert "address1=192.168.1.20/24,192.168.1.1\n" in profile.read_text()
    assert "dns=1.1.1.1;\n" in profile.read_text()
    assert (kept / "etc/hostname").read_text() == "t-garage\n"

    describe(tmp_path, "t-garage", "proxy_cache_seconds", "45")
    second = rehearse(folder, "LIMIT=t-garage")
    assert second.returncode == 0, second.stdout + second.stderr
    shown = second.stdout.partition("differences to the rehearsal of ")[2].splitlines()
    changed = [line for line in shown if line.startswith(("-", "+"))]
    files = [line for line in changed if line.startswith(("---", "+++"))]
    assert {line.split()[1] for line in files} == {
        "/etc/haproxy/haproxy.cfg",
        "/etc/pvs-bridge/monitor.json",
        "/etc/pvs-bridge/compat.json",
    }
    lines = [line for line in changed if line not in files]
    assert {line[0] for line in lines} == {"-", "+"}
    for line in lines:
        assert ("30" if line[0] == "-" else "45") in line
    assert f"make provision INVENTORY={folder} LIMIT=t-garage" in second.stdout


def test_a_rehearsal_can_use_another_firmware(rehearse: Rehearse, tmp_path: Path) -> None:
    folder = describe(tmp_path, "t-shed", "compat_mode", "auto")
    done = rehearse(folder, "RELEASE=bookworm", "BACKEND=dhcpcd", "FIRMWARE=61846")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bookworm (as requested), dhcpcd (as requested), firmware 61846" in done.stdout
    assert "t-shed is healthy: PVS6, firmware 2025.10, Build 61846" in done.stdout
    assert "only programs that use" not in done.stdout

    describe(tmp_path, "t-shed", "compat_mode", '"off"')
    done = rehearse(folder, "RELEASE=bookworm", "BACKEND=dhcpcd", "FIRMWARE=61846")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "only programs that use /auth and /vars" in " ".join(done.stdout.split())


@pytest.mark.core
def test_a_bridge_that_does_not_work_fails(rehearse: Rehearse, tmp_path: Path) -> None:
    folder = describe(tmp_path, "t-shed", "proxy_cache_seconds", "30")
    # The firewall admits no host of the home.
    closed = json.dumps({"proxy_source_networks": ["127.0.0.0/8"]})
    done = rehearse(folder, f"ARGS=--extra-vars='{closed}'")
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("error: ansible/site.yml failed on the twin:\nhealth : Stop ")
    assert "the Pi gets the device list" in " ".join(done.stderr.split())
    assert "second run" not in done.stdout


@pytest.mark.core
def test_an_error_in_the_configuration_is_reported_without_a_twin(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    folder = describe(tmp_path, "t-shed", "proxy_cache_second", "30")
    done = rehearse(folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{folder}/bridge.yml:26: proxy_cache_second: is an unknown variable" in done.stderr


def test_ctrl_c_removes_the_twin(start: Start, tmp_path: Path) -> None:
    process = start(describe(tmp_path, "t-barn", "proxy_cache_seconds", "30"))
    assert wait_until(has_a_twin, 120)
    os.killpg(process.pid, signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert "interrupted; the twin has been removed" in said, printed + said
    assert not has_a_twin()


def has_a_twin() -> bool:
    """Return whether the Pi in the lab of t-barn has started."""
    return any(
        name.startswith("rehearse-t-barn") and lifecycle.describe(name).process.pid
        for name in lifecycle.running()
    )
