"""Fixtures for the doctor's modules: outputs of probe.sh, and settings of ssh."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "ansible"))

from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.ssh_config import Settings
from bridgectl.doctor.target import Target
from pvs_bridge.host.vitals import Limits

LIMITS = Limits(temperature_celsius=75, signal_dbm=-75, card_free_mib=300)
ADDRESSES = (
    '[{"ifname":"eth0","addr_info":[{"family":"inet","local":"172.27.153.20","prefixlen":24}]},'
    '{},{"ifname":"wlan0","addr_info":[{"family":"inet","local":"192.168.1.34","prefixlen":24}]}]'
)
# The outputs of a healthy bridge on a Pi Zero 2 W.
HEALTHY: dict[str, str | None] = {
    "user": "0",
    "system": "Debian GNU/Linux 13 (trixie)",
    "model": "Raspberry Pi Zero 2 W Rev 1.0",
    "uptime": "180000.12 600000.00",
    "clock": "1800000000",
    "synchronized": "yes",
    "throttled": "0",
    "temperature": "48312",
    "mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n/dev/mmcblk0p1 /boot/firmware vfat rw 0 0",
    "boot_options": "console=tty1 root=PARTUUID=1-02 fsck.repair=yes rootwait",
    "space": "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
    "/dev/root 14967424 2400000 11900000 17% /",
    "inodes": "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/root 960000 60000 900000 7% /",
    "root_memory": "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
    "/dev/root 14967424 2400000 11900000 17% /",
    "memory": "MemTotal:         425000 kB\nMemAvailable:     240000 kB",
    "python": "works",
    "failed": "",
    "services": "Id=haproxy.service\nLoadState=loaded\nActiveState=active\n\n"
    "Id=pvs-bridge-compat.service\nLoadState=loaded\nActiveState=active\n\n"
    "Id=dhcpcd.service\nLoadState=not-found\nActiveState=inactive",
    "links": "eth0 1 no\nlo 1 no\nwlan0 1 yes",
    "addresses": ADDRESSES,
    "routes_ipv4": '[{"dst":"default","gateway":"192.168.1.1","dev":"wlan0"}]',
    "routes_ipv6": "[]",
    "radio": "0 0",
    "association": "Connected to 3c:84:6a:01:02:03 (on wlan0)\n\tSSID: Sunnyside 2.4\n"
    "\tfreq: 2437\n\tsignal: -61 dBm",
    "supplicant": "wpa_state=COMPLETED",
    "gateway": "192.168.1.1\n1 packets transmitted, 1 received",
    "names": "deb.debian.org\n151.101.2.132   STREAM deb.debian.org",
    "ping": "1 packets transmitted, 1 received",
    "neighbour": "172.27.153.1 lladdr 00:22:f2:01:02:03 REACHABLE",
}

MakeOutput = Callable[..., ProbeOutput]


def printed(outputs: dict[str, str | None]) -> str:
    """Write outputs as probe.sh does; None is a failed command."""
    return "".join(
        "".join(f" {line}\n" for line in ("it failed" if text is None else text).split("\n"))
        + f"@{name} {0 if text is not None else 1}\n"
        for name, text in outputs.items()
    )


@pytest.fixture
def make_output() -> MakeOutput:
    """Return the output of a healthy Pi, with changes."""

    def made(**others: str | None) -> ProbeOutput:
        return ProbeOutput.read(printed({**HEALTHY, **others}))

    return made


@pytest.fixture
def target() -> Target:
    """Return a bridge of the inventory."""
    return Target(
        name="garage",
        address="garage.local",
        port=None,
        user="pi",
        ssh_arguments=(),
        pvs_interface="eth0",
        pvs_address="172.27.153.1",
        proxy_port=80,
        https_port=443,
        uplink_interface="wlan0",
        uplink_type="wifi",
        proxy_serves_home=True,
        translates=True,
        pvs_at_home=False,
        other_names=("garage", "192.168.1.34"),
        limits=LIMITS,
        secrets=frozenset({"correct horse"}),
    )


@pytest.fixture
def settings() -> Callable[..., Settings]:
    """Return settings of ssh for a direct connection."""

    def made(address: str, **others: Any) -> Settings:  # noqa: ANN401
        plain: dict[str, Any] = {
            "address": address, "port": 22, "user": "pi", "proxy": None, "key_files": (),
            "agent": "", "known_hosts": (), "known_as": address, "strict": False,
        }  # fmt: skip
        return Settings(**{**plain, **others})

    return made
