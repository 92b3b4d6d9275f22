"""The Wi-Fi guard: what it does to NetworkManager and wpa_supplicant, and when it lets them be.

Their command line tools are stand-ins. What becomes of it all is seen with a real radio, by
`make test-radio`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs_system

GUARD = (
    Path(__file__).resolve().parents[3] / "roles/uplink/files/usr/local/lib/pvs-bridge/wifi-guard"
)
# Its state is neither up nor down: what the guard takes for a Wi-Fi that is not connected.
INTERFACE = "lo"
SOCKETS = "/run/pvs-bridge-wifi-guard"

NMCLI = """
echo "nmcli $*" >> "$CALLS"
case "$*" in
    *GENERAL.STATE*)
        # Once for each question, the last answer for all that come after.
        set -- $STATES
        asked=$(grep -c GENERAL.STATE "$CALLS")
        while [ "$asked" -gt 1 ] && [ $# -gt 1 ]; do shift; asked=$((asked - 1)); done
        echo "$1 (whatever)"
        ;;
    *AVAILABLE-CONNECTIONS*) echo "$AVAILABLE" ;;
    *"connection show"*)
        echo "500:pvs-bridge-uplink-0"
        echo "999:pvs-bridge-link"
        echo "510:pvs-bridge-uplink-1"
        echo "505:pvs-bridge-uplink-10"
        echo "0:preconfigured"
        ;;
    *"connection up $REFUSED") exit 4 ;;
esac
"""
WPA_CLI = """
echo "wpa_cli $*" >> "$CALLS"
case "$*" in
    *status) echo "bssid=02:00:00:00:01:00"; echo "wpa_state=$WPA_STATE" ;;
    *list_networks)
        echo "network id / ssid / bssid / flags"
        printf '0\\thome\\tany\\t[TEMP-DISABLED]\\n'
        printf '1\\t[TEMP-DISABLED]\\tany\\t\\n'
        printf '2\\tother\\tany\\t[DISABLED]\\n'
        printf '3\\tbarn\\tany\\t[TEMP-DISABLED][P2P-PERSISTENT]\\n'
        ;;
esac
"""

Guard = Callable[..., list[str]]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """Run the guard for a backend; returns what it has called. Keywords are what it finds."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in (("nmcli", NMCLI), ("wpa_cli", WPA_CLI)):
        (tools / name).write_text(f"#!/bin/sh\n{script}")
        (tools / name).chmod(0o755)
    calls = tmp_path / "calls"

    def run(backend: str, **found: str) -> list[str]:
        calls.write_text("")
        subprocess.run(
            [GUARD, backend, INTERFACE],
            env={
                **os.environ,
                "PATH": f"{tools}:{os.environ['PATH']}",
                "CALLS": str(calls),
                "STATES": "30",
                "AVAILABLE": "",
                "REFUSED": "nothing",
                "RUNTIME_DIRECTORY": SOCKETS,
                **found,
            },
            check=True,
            capture_output=True,
        )
        return calls.read_text().splitlines()

    return run


def tried(calls: list[str]) -> list[str]:
    """Which profiles it had NetworkManager try."""
    return [call.split()[-1] for call in calls if "connection up" in call]


AVAILABLE = (
    "1b0f | pvs-bridge-uplink-0 | 2c1e | preconfigured | 88 | pvs-bridge-uplink-1 "
    "| 99 | pvs-bridge-uplink-10"
)


def test_the_best_network_within_reach_is_tried_and_that_is_all(guard: Guard) -> None:
    assert tried(guard("networkmanager", AVAILABLE=AVAILABLE)) == ["pvs-bridge-uplink-1"]


def test_the_next_best_follows_where_the_best_one_refuses(guard: Guard) -> None:
    calls = guard("networkmanager", AVAILABLE=AVAILABLE, REFUSED="pvs-bridge-uplink-1")
    assert tried(calls) == ["pvs-bridge-uplink-1", "pvs-bridge-uplink-10"]


def test_what_is_not_within_reach_is_not_tried(guard: Guard) -> None:
    calls = guard("networkmanager", AVAILABLE="88 | pvs-bridge-uplink-10 | 1 | preconfigured")
    assert tried(calls) == ["pvs-bridge-uplink-10"]
    assert tried(guard("networkmanager")) == []


@pytest.mark.parametrize("state", ["10", "20", "50", "100", "120"])
def test_a_connection_that_is_there_or_comes_is_let_be(guard: Guard, state: str) -> None:
    calls = guard("networkmanager", STATES=state, AVAILABLE=AVAILABLE)
    assert len(calls) == 1


def test_a_connection_that_comes_after_a_scan_is_let_be(guard: Guard) -> None:
    calls = guard("networkmanager", STATES="30 50", AVAILABLE=AVAILABLE)
    assert any("--rescan yes" in call for call in calls)
    assert tried(calls) == []


@pytest.mark.parametrize("state", ["SCANNING", "DISCONNECTED", "INACTIVE"])
def test_networks_that_wpa_supplicant_punishes_are_forgiven_while_it_has_none(
    guard: Guard, state: str
) -> None:
    calls = guard("dhcpcd", WPA_STATE=state)
    told = [call.removeprefix(f"wpa_cli -s {SOCKETS} -i {INTERFACE} ") for call in calls]
    assert told == [
        "status",
        "list_networks",
        "disable_network 0",
        "enable_network 0",
        "disable_network 3",
        "enable_network 3",
    ]


@pytest.mark.parametrize("state", ["COMPLETED", "ASSOCIATING", "4WAY_HANDSHAKE", ""])
def test_wpa_supplicant_is_let_be_while_it_is_at_it(guard: Guard, state: str) -> None:
    assert len(guard("dhcpcd", WPA_STATE=state)) == 1


@pytest.mark.parametrize("backend", ["networkmanager", "dhcpcd"])
def test_an_interface_that_is_not_there_yet_is_not_a_failure(backend: str) -> None:
    done = subprocess.run([GUARD, backend, "wlan99"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
