"""A card customised by Imager: the first boot, and later events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nightly.image import imager_files
from nightly.image.flashed_pi import TIMEOUT_SECONDS, WORKS, FlashedPi, flashed

from pvs_lab import network, radio_card
from pvs_lab.flashed_card import FlashedCard
from pvs_lab.playbook import telling_part

Record = Callable[[str, object], None]

# The configuration that corresponds to Imager's form.
CONFIGURATION = {
    "uplink_hostname": imager_files.HOSTNAME,
    "uplink_country": imager_files.COUNTRY,
    "uplink_networks": [{"ssid": radio_card.HOME_SSID, "psk": imager_files.psk()}],
}
_SECRETS = (imager_files.psk(), imager_files.PASSWORD_HASH)
_TEXTS = (".txt", ".yml", ".yaml", ".conf")
# The card's size without the FAT partition and ext4's metadata.
_GROWN_MIB = 3200


@pytest.fixture(scope="module")
def made(image: Path, process: str) -> Iterator[FlashedPi]:
    """A Pi in its first boot."""
    with flashed(f"t-imager-{process}", image) as pi:
        imager_files.fill_in(pi.card, pi.public_key)
        pi.power_on()
        yield pi


@pytest.fixture
def pi(made: FlashedPi) -> FlashedPi:
    """The Pi after it has become a bridge."""
    made.wait_for_device_list()
    return made


def secrets_on(card: FlashedCard) -> dict[str, list[str]]:
    """Return the text files on the card that contain secrets, and which ones."""
    texts = [name for name in card.names() if name.endswith(_TEXTS) or "." not in name]
    found = {
        name: [secret for secret in _SECRETS if secret.encode() in card.read(name)]
        for name in texts
        if not name.endswith("/")
    }
    return {name: secrets for name, secrets in found.items() if secrets}


@pytest.mark.core
def test_the_first_boot_answers_device_list_without_any_login(
    made: FlashedPi, record_property: Record
) -> None:
    made.wait_for_device_list()
    record_property("seconds from power on to DeviceList", round(made.uptime_seconds()))
    answer = made.device_list()
    assert answer is not None
    assert answer["result"] == "succeed"


@pytest.mark.core
def test_the_report_says_that_the_bridge_works_and_its_addresses(pi: FlashedPi) -> None:
    report = pi.wait_for_report(WORKS)
    assert f"{network.BRIDGE_ADDRESS}/24" in report
    assert f"http://{imager_files.HOSTNAME}.local/" in report
    assert f"ssh {imager_files.USER}@{imager_files.HOSTNAME}.local" in report


@pytest.mark.core
def test_stored_secrets_are_removed_from_the_boot_partition(pi: FlashedPi) -> None:
    pi.wait_for_report(WORKS)
    assert pi.wait_for_card(lambda: not secrets_on(pi.card)), secrets_on(pi.card)


@pytest.mark.core
def test_all_units_of_the_boot_have_started(pi: FlashedPi) -> None:
    pi.wait_for_boot()


@pytest.mark.core
def test_the_owner_can_log_in_with_the_key_and_use_sudo(pi: FlashedPi) -> None:
    assert pi.output_by_ssh("hostname; sudo id --user").split() == [imager_files.HOSTNAME, "0"]


@pytest.mark.core
def test_password_logins_are_disabled(pi: FlashedPi) -> None:
    output = pi.output_by_ssh("sudo sshd -T")
    assert "\npasswordauthentication no\n" in output
    assert "\nkbdinteractiveauthentication no\n" in output
    shadow = pi.output_by_ssh("sudo cat /etc/shadow").splitlines()
    with_password = [line.split(":")[0] for line in shadow if line.split(":")[1][:1] not in "!*"]
    assert with_password == [imager_files.USER]


@pytest.mark.core
def test_neither_default_route_nor_name_server_is_the_pvs(pi: FlashedPi) -> None:
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
    has_grown = pi.until(lambda: pi.run("bridge", grown)[0] == 0, TIMEOUT_SECONDS)
    assert has_grown, pi.output("bridge", "df /")


@pytest.mark.core
def test_provisioning_changes_nothing(pi: FlashedPi) -> None:
    run = pi.provisioned(CONFIGURATION)
    assert run.status == 0, telling_part(run.output)
    assert run.changed == []


@pytest.mark.core
def test_the_second_boot_answers_device_list(pi: FlashedPi, record_property: Record) -> None:
    pi.restart()
    pi.wait_for_device_list()
    record_property("seconds from power on to DeviceList", round(pi.uptime_seconds()))
    pi.wait_for_report(WORKS)
    pi.wait_for_boot()


def test_a_wrong_wifi_in_an_edited_configuration_is_undone(pi: FlashedPi) -> None:
    # Only a configuration that has worked is restored.
    pi.wait_for_report(WORKS)
    pi.power_off()
    pi.card.write(
        "pvs-bridge.yml",
        b"uplink_networks:\n  - ssid: Lab at hime\n    passphrase: not a real passphrase\n",
    )
    pi.power_on()
    pi.wait_for_report(
        "could not join the Wi-Fi Lab at hime", "no network of this name is in range"
    )
    pi.wait_for_report("the configuration was edited, but", "is active again", WORKS)
    assert pi.device_list() is not None
    assert b"not a real passphrase" not in pi.card.read("pvs-bridge.rejected.yml")
    assert "pvs-bridge.yml" not in pi.card.names()


def test_a_reconfigured_kernel_boots(pi: FlashedPi) -> None:
    release = pi.output("bridge", "uname --kernel-release").strip()
    pi.output("bridge", "echo '# my own' > /boot/firmware/usercfg.txt")
    before = pi.card.boot()
    # Everything that an update does except the download.
    status, output = pi.run(
        "bridge",
        f"rm /boot/firmware/initrd.img-{release} /boot/firmware/vmlinuz-{release} && "
        f"DEBIAN_FRONTEND=noninteractive dpkg-reconfigure linux-image-{release} && sync",
        timeout_seconds=TIMEOUT_SECONDS,
    )
    assert status == 0, output
    pi.power_off()
    after = pi.card.boot()
    assert (after.kernel, after.initrd) == (before.kernel, before.initrd)
    # Own settings of the firmware stay.
    assert b"\ninclude usercfg.txt\n" in pi.card.read("config.txt")
    assert pi.card.read("usercfg.txt") == b"# my own\n"
    # Imager's additional arguments are no longer needed.
    assert set(after.arguments.split()) >= {"root=LABEL=RASPIROOT", "net.ifnames=0"}
    pi.power_on()
    pi.wait_for_device_list()


def test_a_full_card_still_boots_into_a_bridge(pi: FlashedPi) -> None:
    pi.run("bridge", "cat /dev/zero > /var/fill; sync", timeout_seconds=TIMEOUT_SECONDS)
    assert " 100% " in pi.output("bridge", "df /")
    try:
        pi.restart()
        pi.wait_for_device_list()
        pi.wait_for_report(WORKS)
    finally:
        pi.wait_for_agent()
        pi.output("bridge", "rm /var/fill; sync")


def test_a_read_only_card_still_boots_into_a_bridge(pi: FlashedPi) -> None:
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
