"""Other ways to describe a bridge on its card, and what a person may get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from image import imager
from image.pi import WORKS, flashed

from pvs_lab import network, radio_card

_MISTYPED = "mistyped, as it happens"


@pytest.mark.core
def test_a_mistake_in_the_description_costs_no_bridge_and_is_named_by_its_line(
    image: Path, process: str
) -> None:
    with flashed(f"t-mistake-{process}", image) as pi:
        imager.fill_in(pi.card, pi.public_key)
        # YAML takes no list on the line of its name.
        pi.card.write("pvs-bridge.yml", b"proxy_cache_seconds: 60\n\nproxy_hostnames: - garage\n")
        pi.power_on()
        pi.wait_for_device_list()
        pi.reports(WORKS, "pvs-bridge.yml line 3")
        assert pi.says_by_ssh("hostname") == f"{imager.HOSTNAME}\n"


def test_a_mistyped_variable_is_named_and_the_others_count(image: Path, process: str) -> None:
    with flashed(f"t-typo-{process}", image) as pi:
        imager.fill_in(pi.card, pi.public_key)
        pi.card.write("pvs-bridge.yml", b"uplink_hostname: barn\nproxy_cash_seconds: 60\n")
        pi.power_on()
        pi.wait_for_device_list()
        pi.reports(WORKS, "pvs-bridge.yml line 2", "proxy_cash_seconds")
        # And the description's word counts more than Imager's.
        assert pi.says_by_ssh("hostname") == "barn\n"


def test_the_files_of_the_old_way_are_enough(image: Path, process: str) -> None:
    with flashed(f"t-old-{process}", image) as pi:
        imager.write_by_hand(pi.card, pi.public_key)
        pi.power_on()
        pi.wait_for_device_list()
        pi.reports(WORKS)
        assert pi.says_by_ssh("hostname; sudo id --user").split() == ["pvs-bridge", "0"]
        assert pi.has_on_card(lambda: "wpa_supplicant.conf" not in pi.card.names())


def test_a_card_without_any_description_boots_and_says_what_to_do(
    image: Path, process: str
) -> None:
    with flashed(f"t-bare-{process}", image) as pi:
        pi.power_on()
        pi.reports("has no way home yet", "Hint: copy pvs-bridge.example.yml")
        assert "pvs-bridge.example.yml" in pi.card.names()
        pi.wait_for_boot()
        assert pi.output("bridge", "cat /etc/hostname") == "pvs-bridge\n"
        # It stands before the PVS all the same.
        assert pi.run("bridge", f"ping -c 1 {network.PVS_ADDRESS}")[0] == 0


def test_a_wrong_passphrase_is_in_the_report(image: Path, process: str) -> None:
    with flashed(f"t-passphrase-{process}", image) as pi:
        imager.fill_in(pi.card, pi.public_key, passphrase=_MISTYPED)
        pi.power_on()
        report = pi.reports(
            f"could not join the Wi-Fi {radio_card.HOME_SSID}", "refuses the passphrase"
        )
        assert imager.psk(_MISTYPED) not in report
        assert pi.device_list() is None
