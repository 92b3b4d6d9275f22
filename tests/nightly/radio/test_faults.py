"""What goes wrong with a Wi-Fi sooner or later, and how long it takes until the bridge is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from nightly.radio.bridge import RadioBridge
from nightly.radio.networks import HOME, JOINED, OTHER

from pvs_lab.access_point import Network

Record = Callable[[str, object], None]

# From the moment from which on it could be.
_BACK_SECONDS = 60
# The home's DHCP server is asked more and more rarely.
_LEASED_SECONDS = 90


def assert_back(
    bridge: RadioBridge, record: Record, *, point: int = 1, seconds: float = _BACK_SECONDS
) -> None:
    """The bridge comes home in time; how long it takes is told in the end."""
    took = bridge.seconds_until_home(point=point)
    record("seconds until back", round(took, 1))
    assert took <= seconds, bridge.access_points.log()


def test_the_radio_obeys_the_rules_of_its_country(bridge: RadioBridge) -> None:
    assert "\ncountry DE:" in bridge.output("bridge", "iw reg get")


# Under dhcpcd the driver decides.
@pytest.mark.parametrize("made", ["networkmanager"], indirect=True)
def test_the_radio_does_not_save_power(bridge: RadioBridge) -> None:
    assert bridge.output("bridge", "iw dev wlan0 get power_save") == "Power save: off\n"


def test_a_bridge_that_boots_joins_the_better_of_two_networks_by_the_rules_of_its_country(
    bridge: RadioBridge, record_property: Record
) -> None:
    bridge.knows(HOME.ranked(10), OTHER.ranked(5))
    bridge.access_points.put_on(OTHER.offered, point=2)
    bridge.reboot()
    bridge.seconds_until_home(point=1)
    record_property("seconds from power on", round(bridge.uptime_seconds()))
    assert "\ncountry DE:" in bridge.output("bridge", "iw reg get")


def test_the_other_network_is_joined_when_the_better_one_goes_off(
    bridge: RadioBridge, record_property: Record
) -> None:
    bridge.knows(HOME.ranked(10), OTHER.ranked(5))
    bridge.access_points.put_on(OTHER.offered, point=2)
    bridge.access_points.switch_off(1)
    assert_back(bridge, record_property, point=2)


def test_a_better_network_that_is_hidden_and_away_does_not_keep_the_bridge_from_another(
    bridge: RadioBridge, record_property: Record
) -> None:
    bridge.knows(JOINED["hidden"].ranked(10), HOME.ranked(5))
    bridge.access_points.switch_off(1)
    bridge.wait_until_gone()
    bridge.access_points.put_on(HOME.offered)
    assert_back(bridge, record_property)


def test_an_access_point_that_was_off_for_two_minutes_is_joined_again(
    bridge: RadioBridge, record_property: Record
) -> None:
    bridge.access_points.switch_off(1)
    bridge.wait_until_gone()
    time.sleep(120)
    bridge.access_points.put_on(HOME.offered)
    assert_back(bridge, record_property)


def refuses(bridge: RadioBridge, network: Network) -> None:
    """Have the access point refuse the right passphrase for a minute, as one that boots may do."""
    bridge.access_points.put_on(replace(network, passphrase=b"not the passphrase"))
    started = time.monotonic()
    points = bridge.access_points
    refused = "AP-STA-POSSIBLE-PSK-MISMATCH"
    assert bridge.until(lambda: refused in points.log(), 120), points.log()
    time.sleep(max(0.0, started + 60 - time.monotonic()))
    bridge.access_points.put_on(network)


@pytest.mark.core
def test_an_access_point_that_refused_the_right_passphrase_for_a_minute_is_joined_again(
    bridge: RadioBridge, record_property: Record
) -> None:
    refuses(bridge, HOME.offered)
    assert_back(bridge, record_property)


def test_an_access_point_that_moves_to_another_channel_is_followed(
    bridge: RadioBridge, record_property: Record
) -> None:
    bridge.access_points.put_on(replace(HOME.offered, channel=11))
    assert_back(bridge, record_property)


def test_a_home_whose_dhcp_server_was_dead_gets_its_bridge_back(
    bridge: RadioBridge, record_property: Record
) -> None:
    bridge.say("router-off")
    try:
        bridge.access_points.put_on(HOME.offered)
        time.sleep(90)
        assert not bridge.is_home()
    finally:
        bridge.say("router-on")
    assert_back(bridge, record_property, seconds=_LEASED_SECONDS)
