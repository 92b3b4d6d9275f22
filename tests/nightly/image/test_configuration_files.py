"""Configuration files on the card: alternatives to Imager, and mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from nightly.image import imager_files
from nightly.image.flashed_pi import WORKS, flashed

from pvs_lab import network, radio_card

_MISTYPED = "mistyped, as it happens"


@pytest.mark.core
def test_broken_yaml_is_reported_with_its_line_and_the_bridge_works(
    image: Path, process: str
) -> None:
    with flashed(f"t-mistake-{process}", image) as pi:
        imager_files.fill_in(pi.card, pi.public_key)
        # YAML does not allow a list on the line of its key.
        pi.card.write("pvs-bridge.yml", b"proxy_cache_seconds: 60\n\nproxy_hostnames: - garage\n")
        pi.power_on()
        pi.wait_for_device_list()
        pi.wait_for_report(WORKS, "pvs-bridge.yml line 3")
        assert pi.output_by_ssh("hostname") == f"{imager_files.HOSTNAME}\n"


def test_a_mistyped_variable_is_reported_and_the_others_apply(image: Path, process: str) -> None:
    with flashed(f"t-typo-{process}", image) as pi:
        imager_files.fill_in(pi.card, pi.public_key)
        pi.card.write("pvs-bridge.yml", b"uplink_hostname: barn\nproxy_cash_seconds: 60\n")
        pi.power_on()
        pi.wait_for_device_list()
        pi.wait_for_report(WORKS, "pvs-bridge.yml line 2", "proxy_cash_seconds")
        # pvs-bridge.yml has precedence over Imager's files.
        assert pi.output_by_ssh("hostname") == "barn\n"


def test_wpa_supplicant_conf_and_ssh_files_are_enough(image: Path, process: str) -> None:
    with flashed(f"t-old-{process}", image) as pi:
        imager_files.write_by_hand(pi.card, pi.public_key)
        pi.power_on()
        pi.wait_for_device_list()
        pi.wait_for_report(WORKS)
        assert pi.output_by_ssh("hostname; sudo id --user").split() == ["pvs-bridge", "0"]
        assert pi.wait_for_card(lambda: "wpa_supplicant.conf" not in pi.card.names())


def test_a_card_without_configuration_boots_and_reports_what_to_do(
    image: Path, process: str
) -> None:
    with flashed(f"t-bare-{process}", image) as pi:
        pi.power_on()
        pi.wait_for_report("has no home network yet", "Hint: copy pvs-bridge.example.yml")
        assert "pvs-bridge.example.yml" in pi.card.names()
        pi.wait_for_boot()
        assert pi.output("bridge", "cat /etc/hostname") == "pvs-bridge\n"
        # The PVS link works even so.
        assert pi.run("bridge", f"ping -c 1 {network.PVS_ADDRESS}")[0] == 0


def test_a_wrong_passphrase_is_reported(image: Path, process: str) -> None:
    with flashed(f"t-passphrase-{process}", image) as pi:
        imager_files.fill_in(pi.card, pi.public_key, passphrase=_MISTYPED)
        pi.power_on()
        report = pi.wait_for_report(
            f"could not join the Wi-Fi {radio_card.HOME_SSID}", "refuses the passphrase"
        )
        assert imager_files.psk(_MISTYPED) not in report
        assert pi.device_list() is None
