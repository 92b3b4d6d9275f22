"""What the idle bridge uses, and which ports it opens."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from nightly.faults.conftest import Figure
from nightly.faults.home import Home

_WEIGHING = Path(__file__).with_name("weighing.py")
_KNOCK = Path(__file__).parents[2] / "bridges/molecule/verify/knocking.py"
# Two looks of care are in it.
_SECONDS = 130
_MOST_MIB = 60
# It runs for a moment once a minute.
_MOST_OF_CARE_MIB = 20
# Debian's own, which comes with appliance_updates and waits for the Pi to be switched off.
_MOST_OF_UPDATES_MIB = 20
_MOST_PERCENT = 1.0
_CARE = "pvs-bridge-monitor.service"
_UPDATES = "unattended-upgrades.service"
# What the project adds; what only loads something and ends is among it.
_UNITS = (
    "dnsmasq.service",
    "haproxy.service",
    _CARE,
    "pvs-bridge-compat.service",
    "pvs-bridge-firewall.service",
    "pvs-bridge-link-guard.service",
    "pvs-bridge-noatime.service",
    "pvs-bridge-rollback.service",
    "pvs-bridge-status.service",
    "pvs-bridge-wifi-guard.service",
    "pvs-bridge-zram.service",
    _UPDATES,
)
# SSH, names, the PVS's web server and its live data.
_PROMISED = [22, 53, 80, 443, 9002]


def test_the_idle_bridge_uses_little(home: Home, figure: Figure) -> None:
    weigh = f"python3 -c {shlex.quote(_WEIGHING.read_text())} {_SECONDS} {' '.join(_UNITS)}"
    status, printed = home.run("bridge", weigh, timeout_seconds=_SECONDS + 60)
    assert status == 0, printed
    found = json.loads(printed)
    mib = found["mib"]
    figure("memory (PSS) of care's look", mib.pop(_CARE), "MiB", _MOST_OF_CARE_MIB)
    figure("memory (PSS) of unattended-upgrades", mib.pop(_UPDATES), "MiB", _MOST_OF_UPDATES_MIB)
    figure("memory (PSS) of everything else", sum(mib.values()), "MiB", _MOST_MIB)
    figure("processor", 100 * found["cpu_seconds"] / found["seconds"], "%", _MOST_PERCENT)


@pytest.mark.parametrize(("host", "promised"), [("client", _PROMISED), ("pvs", [])])
def test_of_all_ports_none_is_open_but_those_that_are_promised(
    home: Home, figure: Figure, host: str, promised: list[int]
) -> None:
    address = "192.168.20.20" if host == "client" else home.link_address().split()[2].split("/")[0]
    knock = f"{sys.executable} {_KNOCK} --all {address}"
    status, printed = home.run(host, knock, timeout_seconds=240)
    assert status == 0, printed
    others = [port for port in map(int, printed.split()) if port not in promised]
    figure(f"further open ports, from {host}", len(others), "", 0)
    assert sorted(map(int, printed.split())) == promised
