"""Every kind of Wi-Fi network is joined, however it is protected and called.

The bridge knows all of them; the access point has one at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nightly.radio.bridge import RadioBridge
from nightly.radio.networks import HOME, JOINED, OLD_ROUTER

# What a network of each kind is joined by.
SAFEST = {"open": "", "wpa2": "PSK", "wpa2-wpa3": "SAE", "wpa3": "SAE"}

Record = Callable[[str, object], None]


@pytest.fixture
def bridge(made: RadioBridge) -> RadioBridge:
    """The bridge, told of all networks."""
    priorities = range(len(JOINED), 0, -1)
    ranked = [known.ranked(rank) for known, rank in zip(JOINED.values(), priorities, strict=True)]
    # The one that is there while they are told comes first.
    described = (HOME.described, *ranked)
    if not made.knows_already(*described):
        made.come_home()
        made.knows(*described)
    return made


@pytest.mark.parametrize("network", JOINED)
def test_the_bridge_joins_a_network_in_the_safest_way_that_both_know(
    bridge: RadioBridge, record_property: Record, network: str
) -> None:
    offered = JOINED[network].offered
    bridge.access_points.put_on(offered)
    record_property("seconds until joined", round(bridge.seconds_until_home(), 1))
    assert bridge.access_points.key_management() == SAFEST[offered.security]


def test_a_router_that_does_not_know_wpa3_is_joined_all_the_same(bridge: RadioBridge) -> None:
    bridge.access_points.put_on(OLD_ROUTER)
    bridge.seconds_until_home()
    assert bridge.access_points.key_management() == SAFEST["wpa2"]
