"""A card that Imager has customised: from the first boot through all that may come later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from image import imager
from image.pi import PATIENCE_SECONDS, WORKS, FlashedPi, flashed

from pvs_lab import network, radio_card
from pvs_lab.flashed_card import FlashedCard
from pvs_lab.playbook import telling_part

Record = Callable[[str, object], None]

# The description that fits what was typed into Imager's form.
DESCRIBED = {
    "uplink_hostname": imager.HOSTNAME,
    "uplink_country": imager.COUNTRY,
    "uplink_networks": [{"ssid": radio_card.HOME_SSID, "psk": imager.psk()}],
}
_SECRETS = (imager.psk(), imager.PASSWORD_HASH)
_TEXTS = (".txt", ".yml", ".yaml", ".conf")
# Without the FAT partition, and what ext4 takes for itself.
_GROWN_MIB = 3200


@pytest.fixture(scope="module")
def made(image: Path, process: str) -> Iterator[FlashedPi]:
    """A Pi that has just got power for the first time."""
    with flashed(f"t-imager-{process}", image) as pi:
        imager.fill_in(pi.card, pi.public_key)
        pi.power_on()
        yield pi


@pytest.fixture
def pi(made: FlashedPi) -> FlashedPi:
    """The Pi, a bridge by now."""
    made.wait_for_device_list()
    return made


def secrets_on(card: FlashedCard) -> dict[str, list[str]]:
    """Which files that a person may read hold which secret."""
    texts = [name for name in card.names() if name.endswith(_TEXTS) or "." not in name]
    found = {
        name: [secret for secret in _SECRETS if secret.encode() in card.read(name)]
        for name in texts
        if not name.endswith("/")
    }
    return {name: secrets for name, secrets in found.items() if secrets}


@pytest.mark.core
def test_it_answers_device_list_at_home_and_nobody_has_logged_in(
    made: FlashedPi, record_property: Record
) -> None:
    made.wait_for_device_list()
    record_property("seconds from power on to DeviceList", round(made.uptime_seconds()))
    answer = made.device_list()
    assert answer is not None
    assert answer["result"] == "succeed"


@pytest.mark.core
def test_the_report_on_the_card_says_that_it_works_and_where(pi: FlashedPi) -> None:
    report = pi.reports(WORKS)
    assert f"{network.BRIDGE_ADDRESS}/24" in report
    assert f"http://{imager.HOSTNAME}.local/" in report
    assert f"ssh {imager.USER}@{imager.HOSTNAME}.local" in report


@pytest.mark.core
def test_the_credentials_are_gone_from_the_card_once_stored(pi: FlashedPi) -> None:
    pi.reports(WORKS)
    assert pi.has_on_card(lambda: not secrets_on(pi.card)), secrets_on(pi.card)


@pytest.mark.core
def test_everything_that_starts_at_boot_has_started(pi: FlashedPi) -> None:
    pi.wait_for_boot()


@pytest.mark.core
def test_the_owner_logs_in_with_the_key_and_is_root_by_sudo(pi: FlashedPi) -> None:
    assert pi.says_by_ssh("hostname; sudo id --user").split() == [imager.HOSTNAME, "0"]


@pytest.mark.core
def test_nobody_logs_in_with_a_password(pi: FlashedPi) -> None:
    said = pi.says_by_ssh("sudo sshd -T")
    assert "\npasswordauthentication no\n" in said
    assert "\nkbdinteractiveauthentication no\n" in said
    shadow = pi.says_by_ssh("sudo cat /etc/shadow").splitlines()
    with_password = [line.split(":")[0] for line in shadow if line.split(":")[1][:1] not in "!*"]
    assert with_password == [imager.USER]


@pytest.mark.core
def test_neither_route_nor_name_server_is_the_pvs_s_whatever_imager_wrote(pi: FlashedPi) -> None:
    routes: list[dict[str, Any]] = json.loads(pi.output("bridge", "ip -json route show default"))
    ways = [(each["gateway"], each["dev"]) for each in routes]
    assert ways == [(network.ROUTER_ADDRESS, "wlan0")]
    assert pi.output("bridge", "ip -6 route show default") == ""
    resolver = pi.output("bridge", "cat /etc/resolv.conf")
    assert f"nameserver {network.ROUTER_ADDRESS}\n" in resolver
    assert network.PVS_ADDRESS not in resolver


@pytest.mark.core
def test_the_root_file_system_has_grown_to_the_size_of_the_card(pi: FlashedPi) -> None:
    grown = f"df --output=size --block-size=1M / | awk 'NR == 2 && $1 > {_GROWN_MIB}' | grep -q ."
    has_grown = pi.until(lambda: pi.run("bridge", grown)[0] == 0, PATIENCE_SECONDS)
    assert has_grown, pi.output("bridge", "df /")


@pytest.mark.core
def test_the_playbook_finds_nothing_to_change(pi: FlashedPi) -> None:
    run = pi.provisioned(DESCRIBED)
    assert run.status == 0, telling_part(run.output)
    assert run.changed == []


@pytest.mark.core
def test_it_works_after_a_second_boot(pi: FlashedPi, record_property: Record) -> None:
    pi.restart()
    pi.wait_for_device_list()
    record_property("seconds from power on to DeviceList", round(pi.uptime_seconds()))
    pi.reports(WORKS)
    pi.wait_for_boot()


def test_a_new_description_that_leads_nowhere_is_undone(pi: FlashedPi) -> None:
    # What has never led home is not gone back to.
    pi.reports(WORKS)
    pi.power_off()
    pi.card.write(
        "pvs-bridge.yml",
        b"uplink_networks:\n  - ssid: Lab at hime\n    passphrase: nobody has this one\n",
    )
    pi.power_on()
    pi.reports("could not join the Wi-Fi Lab at hime", "no network of this name is in range")
    pi.reports("the card was edited, but", "what it said before counts again", WORKS)
    assert pi.device_list() is not None
    assert b"nobody has this one" not in pi.card.read("pvs-bridge.rejected.yml")
    assert "pvs-bridge.yml" not in pi.card.names()


def test_a_kernel_that_is_configured_again_boots(pi: FlashedPi) -> None:
    release = pi.output("bridge", "uname --kernel-release").strip()
    before = pi.card.boot()
    # All that an update does, but for the download.
    status, said = pi.run(
        "bridge",
        f"rm /boot/firmware/initrd.img-{release} /boot/firmware/vmlinuz-{release} && "
        f"DEBIAN_FRONTEND=noninteractive dpkg-reconfigure linux-image-{release} && sync",
        timeout_seconds=PATIENCE_SECONDS,
    )
    assert status == 0, said
    pi.power_off()
    after = pi.card.boot()
    assert (after.kernel, after.initrd) == (before.kernel, before.initrd)
    # What Imager has added is not needed any more.
    assert set(after.arguments.split()) >= {"root=LABEL=RASPIROOT", "net.ifnames=0"}
    pi.power_on()
    pi.wait_for_device_list()


def test_a_card_that_is_full_still_boots_into_a_bridge(pi: FlashedPi) -> None:
    pi.run("bridge", "cat /dev/zero > /var/fill; sync", timeout_seconds=PATIENCE_SECONDS)
    assert " 100% " in pi.output("bridge", "df /")
    try:
        pi.restart()
        pi.wait_for_device_list()
        pi.reports(WORKS)
    finally:
        pi.waits_for_agent()
        pi.output("bridge", "rm /var/fill; sync")


def test_a_card_that_takes_no_writes_any_more_still_boots_into_a_bridge(pi: FlashedPi) -> None:
    pi.power_off()
    pi.say("card-lock", "on")
    try:
        pi.power_on()
        pi.wait_for_device_list()
        assert pi.run("bridge", "touch /var/probe")[0] != 0
    finally:
        pi.power_off()
        pi.say("card-lock", "off")
        pi.power_on()
