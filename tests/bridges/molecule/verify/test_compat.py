"""The compat service runs unless it is disabled, and only haproxy can connect to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

_SOCKET = "/run/pvs-bridge-compat/http.sock"
_ASK = f"""python3 -c '
import http.client, socket
connection = http.client.HTTPConnection("bridge", timeout=10)
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect("{_SOCKET}")
connection.request("GET", "/ready")
print(connection.getresponse().read().decode())'"""


@pytest.fixture
def translates(variables: dict[str, Any]) -> bool:
    """Whether this scenario's bridge has the compat service."""
    return bool(variables["compat_mode"] != "off")


def test_it_runs_unless_it_is_disabled(bridge: Host, translates: bool) -> None:
    service = bridge.service("pvs-bridge-compat")
    assert (service.exists, service.is_running) == (translates, translates)
    assert not translates or service.is_enabled


def test_it_identifies_the_pvs_and_does_not_translate_open_firmware(
    bridge: Host, translates: bool
) -> None:
    if translates:
        with bridge.sudo():
            said = json.loads(bridge.check_output(_ASK))
        assert (said["model"], said["build"], said["translating"]) == ("PVS6", 61707, False)


def test_its_sandbox_leaves_hardly_any_exposure(bridge: Host, translates: bool) -> None:
    if translates:
        # The threshold is ten times the exposure level that systemd-analyze prints.
        bridge.check_output("systemd-analyze security --threshold=10 pvs-bridge-compat.service")


def test_only_haproxy_can_use_its_sockets_and_only_root_can_read_its_configuration(
    bridge: Host, translates: bool
) -> None:
    if translates:
        assert "PermissionError" in bridge.run(_ASK).stderr
        with bridge.sudo():
            for name in ("http.sock", "live.sock"):
                file = bridge.file(f"/run/pvs-bridge-compat/{name}")
                assert (file.group, file.mode) == ("haproxy", 0o660)
            file = bridge.file("/etc/pvs-bridge/compat.json")
            assert (file.user, file.mode) == ("root", 0o600)
