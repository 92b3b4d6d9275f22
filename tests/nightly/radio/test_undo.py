"""A wrong description of the Wi-Fi does not cost the bridge: it is undone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from nightly.radio.bridge import RadioBridge
from nightly.radio.networks import HOME

Record = Callable[[str, object], None]

_FILES = (
    "find /etc/NetworkManager/system-connections /etc/netplan /etc/wpa_supplicant /etc/dhcpcd.conf "
    "-type f -exec sha256sum {} + 2> /dev/null | sort -k 2"
)
_PENDING = "cat /var/lib/pvs-bridge/rollback/pending.json"


def files(bridge: RadioBridge) -> str:
    """What describes the network to the Pi."""
    return bridge.output("bridge", _FILES)


def assert_undone(bridge: RadioBridge, record: Record, wrong: dict[str, Any]) -> None:
    """A run with this network fails, and leaves the bridge as it was and where it was."""
    before = files(bridge)
    started = time.monotonic()
    run = bridge.join([wrong], "--tags=uplink")
    record("seconds of the whole run", round(time.monotonic() - started))
    assert run.status != 0
    run.says("has undone the change of its network")
    run.says("The rejected files are in /var/lib/pvs-bridge/rollback/rejected/")
    record("seconds until back, after the run", round(bridge.seconds_until_home(), 1))
    assert files(bridge) == before


@pytest.mark.core
def test_a_wrong_passphrase_is_undone(bridge: RadioBridge, record_property: Record) -> None:
    assert_undone(bridge, record_property, {**HOME.described, "passphrase": "mistyped"})


def test_a_wrong_name_is_undone(bridge: RadioBridge, record_property: Record) -> None:
    assert_undone(bridge, record_property, {**HOME.described, "ssid": "Lab at hime"})


def is_applied(bridge: RadioBridge) -> bool:
    """Whether the Pi carries out an unconfirmed change."""
    status, printed = bridge.run("bridge", _PENDING)
    return status == 0 and bool(json.loads(printed)["applied"])


def test_a_power_cut_between_change_and_confirmation_is_undone_at_boot(
    bridge: RadioBridge, record_property: Record
) -> None:
    before = files(bridge)
    wrong = {**HOME.described, "passphrase": "mistyped"}
    with bridge.running({"uplink_networks": [wrong]}, "--tags=uplink"):
        assert bridge.until(lambda: is_applied(bridge), 300)
        bridge.say("power-off")
    bridge.say("power-on")
    bridge.wait_for_boot()
    bridge.seconds_until_home()
    record_property("seconds from power on", round(bridge.uptime_seconds()))
    assert files(bridge) == before
    assert "restarted" in bridge.last_undone()["reason"]
