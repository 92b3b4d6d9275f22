"""What goes wrong between the PVS and the Pi."""

from __future__ import annotations

import time

import pytest
from nightly.faults.conftest import Fault
from nightly.faults.home import Home

# What a DeviceList of 24 panels takes.
_FIELD_SECONDS = 6.5
# A restart of ten minutes, ten times quicker. haproxy's pace at which it looks whether the PVS is
# back, every 15 s, is the field's.
_RESTART_SECONDS = 60
# A network that some PVS have, and this bridge is not described with.
_OTHER = "172.27.152.1"
# A DHCP client without an answer asks less and less often, up to every 64 s (RFC 2131, 4.1):
# both backends' clients do. dhcpcd takes 5 s more to probe what it is given, and haproxy looks
# every 15 s whether the PVS is back.
_ASKED_AGAIN_SECONDS = 90.0


def test_a_cable_that_is_pulled_while_the_pvs_works_is_pushed_in_after_a_minute(
    home: Home, fault: Fault
) -> None:
    def works() -> bool:
        return bool(home.simulator("/_sim/stats?log=0")["in_flight"]["cgi"])

    with home.pvs_that_takes(_FIELD_SECONDS), fault("PVS's cable out for a minute"):
        assert home.until(works)
        with home.cable_out("pvs"):
            time.sleep(60)


@pytest.mark.core
def test_a_plug_that_has_a_bad_contact(home: Home, fault: Fault) -> None:
    with fault("PVS's cable out and in, ten times"):
        for _ in range(10):
            with home.cable_out("pvs"):
                time.sleep(1)
            time.sleep(1)


def test_a_pvs_that_restarts(home: Home, fault: Fault) -> None:
    with fault("PVS restarts, 10 min in 1 min"):
        home.simulator("/_sim/restart", {"seconds": _RESTART_SECONDS})
        time.sleep(_RESTART_SECONDS)


def test_a_pvs_that_offers_another_network_for_a_while(home: Home, fault: Fault) -> None:
    # The Pi is not told of the better address: the monitor asks, a minute after it has
    # seen the wrong one, and again a minute later.
    with fault("PVS offers another network for a minute", seconds=90.0):
        home.output("pvs", f"ip address add {_OTHER}/24 dev lan1")
        try:
            with home.cable_out("pvs"):
                home.say("pvs-dhcp-on", _OTHER)
                time.sleep(1)
            assert home.until(lambda: "172.27.152." in home.link_address(), 60)
            time.sleep(60)
        finally:
            home.say("pvs-dhcp-on")
            home.output("pvs", f"ip address delete {_OTHER}/24 dev lan1")


def test_a_pvs_that_gives_no_addresses_for_a_while(home: Home, fault: Fault) -> None:
    with fault("PVS's DHCP silent for a minute", seconds=_ASKED_AGAIN_SECONDS):
        home.say("pvs-dhcp-off")
        try:
            with home.cable_out("pvs"):
                time.sleep(10)
            time.sleep(50)
        finally:
            home.say("pvs-dhcp-on")
