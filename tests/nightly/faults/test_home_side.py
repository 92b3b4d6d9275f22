"""What goes wrong between the Pi and the home. What the air does is in ``tests/nightly/radio``."""

from __future__ import annotations

import time

from nightly.faults.conftest import Fault
from nightly.faults.home import Home

_OTHER = "192.168.20.21"
# As at the PVS's side, without haproxy's look: both backends' clients ask more and more seldom.
_ASKED_AGAIN_SECONDS = 75.0


def test_a_home_that_is_gone_for_a_minute(home: Home, fault: Fault) -> None:
    with fault("home's access point off for a minute"), home.cable_out("home"):
        time.sleep(60)


def test_a_router_that_gives_another_address_when_it_is_back(home: Home, fault: Fault) -> None:
    try:
        with fault("router gives another address"), home.cable_out("home"):
            home.say("router-on", _OTHER)
            time.sleep(10)
        assert home.addresses() == [_OTHER]
    finally:
        with home.cable_out("home"):
            home.say("router-on")
            time.sleep(10)


def test_a_router_that_gives_no_addresses_for_a_while(home: Home, fault: Fault) -> None:
    with fault("home's DHCP silent for a minute", seconds=_ASKED_AGAIN_SECONDS):
        home.say("router-off")
        try:
            with home.cable_out("home"):
                time.sleep(10)
            time.sleep(50)
        finally:
            home.say("router-on")
