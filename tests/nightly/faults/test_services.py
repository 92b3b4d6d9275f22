"""What the bridge consists of is killed, or taken away."""

from __future__ import annotations

import pytest
from nightly.faults.conftest import Fault
from nightly.faults.home import Home

_KILL = "systemctl kill --kill-who=all --signal=KILL {}"
_TABLE = "nft list table inet pvs_bridge_firewall"
# Once a minute it is looked after the bridge, and a look takes a moment.
_LOOK_SECONDS = 75.0
# An answer that is under way just when the rules come back is refused, for the kernel has not seen
# its question; haproxy waits for it as long as for a slow PVS, 120 s, and then looks every 15 s
# whether the PVS is there.
_REFUSED_ANSWER_SECONDS = _LOOK_SECONDS + 140.0


@pytest.mark.core
def test_a_proxy_that_is_killed(home: Home, fault: Fault) -> None:
    with fault("haproxy killed"):
        home.output("bridge", _KILL.format("haproxy"))


@pytest.mark.core
def test_a_name_server_that_is_killed(home: Home, fault: Fault) -> None:
    ask = "dig +short +time=1 +tries=1 @192.168.20.20 sunpowerconsole.com A"

    def answers() -> bool:
        return "192.168.20.20" in home.run("client", ask)[1]

    assert answers()
    with fault("dnsmasq killed", heals=answers):
        home.output("bridge", _KILL.format("dnsmasq"))


@pytest.mark.core
def test_a_firewall_whose_rules_were_flushed(home: Home, fault: Fault) -> None:
    def is_there() -> bool:
        return home.run("bridge", _TABLE)[0] == 0

    with fault(
        "firewall's table gone",
        seconds=_REFUSED_ANSWER_SECONDS,
        heals=is_there,
        heals_seconds=_LOOK_SECONDS,
    ):
        home.output("bridge", "nft flush ruleset")
    assert "its rules are missing in the kernel" in home.events()
