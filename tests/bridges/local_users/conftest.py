"""Fixtures: a bridge and a plain Pi of the same release, with the same network backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from bridges.rollback.bridge import Bridge

LOGIN = "anna:roof-of-anna"
# `openssl passwd -5 -salt users roof-of-anna`
_HASH = "$5$users$CDrrBPUlaNQROuzyT4I5.41M3VEqsElOoN/b/aQskN7"
_PASSWORD = "owner-of-the-roof"  # noqa: S105 - only a lab has it
# Everything that opens a port, and a password for each user of the home.
_EVERYTHING: dict[str, Any] = {
    "bridge_mode": "both",
    "compat_password": _PASSWORD,
    "console_dns_enabled": True,
    "proxy_allow_commands": ["SetAP"],
    "proxy_https": "passthrough",
    "proxy_stats_network": True,
    "proxy_sunvault_enabled": True,
    "proxy_users": {"anna": _HASH},
    "proxy_writes_acknowledged": True,
}
# The second Pi has polkit, as Raspberry Pi OS has, which decides about requests on D-Bus.
PIS = (
    "trixie-networkmanager",
    pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow),
)
_FAST = "--simulator=--latency-seconds 0.2 --clock 2026-06-21T20:00:00Z"


@dataclass(frozen=True)
class Pis:
    """Two Pis in labs of their own.

    Attributes:
        bridge: the bridge.
        plain: the Pi as it was before it became one.
        everything: whether the bridge has everything that opens a port.
        secrets: texts that no user may read.
    """

    bridge: Bridge
    plain: Bridge
    everything: bool
    secrets: list[str]

    def writes(self) -> list[Any]:
        """Return what the PVS was told to change since its start."""
        return list(self.bridge.simulator("/_sim/stats")["writes"]["list"])


@pytest.fixture(scope="session", params=PIS)
def pis(request: pytest.FixtureRequest) -> Iterator[Pis]:
    """Bring both up; each test must leave the bridge healthy."""
    release, backend = request.param.split("-")
    everything = release == "bookworm"
    bridge, plain = Bridge(f"t-users-{release}"), Bridge(f"t-users-plain-{release}")
    card = ("--packages=polkitd",) if everything else ()
    try:
        bridge.up_provisioned(release, backend, _EVERYTHING if everything else {}, _FAST, *card)
        plain.command("up", f"--release={release}", f"--backend={backend}", *card)
        plain.wait_for_boot()
        serial = bridge.simulator("/_sim/stats?log=0")["serial"]
        yield Pis(bridge, plain, everything, [serial, *((_HASH, _PASSWORD) if everything else ())])
    finally:
        bridge.command("down")
        plain.command("down")
