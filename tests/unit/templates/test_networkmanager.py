"""NetworkManager itself reads the profiles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from unit.templates import readers
from unit.templates.networks import NETWORKS, Network
from unit.templates.pis import Pi

pytestmark = pytest.mark.needs_system

on_every_pi = pytest.mark.parametrize(
    "pi",
    [("bookworm", "networkmanager"), ("trixie", "networkmanager")],
    indirect=True,
    ids=lambda chosen: "-".join(chosen),
)

FOLDER = "/etc/NetworkManager/system-connections"
# Each profile's settings and secrets over D-Bus, byte by byte, on two lines; none is {}.
DUMP = """
bus='busctl --json=short call org.freedesktop.NetworkManager'
all=/org/freedesktop/NetworkManager/Settings
name=org.freedesktop.NetworkManager.Settings
for path in $($bus $all $name ListConnections | tr '"' '\\n' | grep ^$all/); do
    $bus $path $name.Connection GetSettings
    $bus $path $name.Connection GetSecrets s 802-11-wireless-security 2>/dev/null || echo '{}'
done
"""
Settings = dict[str, dict[str, Any]]


def load(pi: Pi, files: dict[str, str]) -> str:
    """Have NetworkManager read these profiles and no other of ours; return what it logs."""
    cursor = pi.cursor()
    pi.run(f"rm -f {FOLDER}/pvs-bridge-*")
    pi.put({f"{FOLDER}/{name}.nmconnection": text for name, text in files.items()})
    pi.run("nmcli connection reload")
    return pi.journal("NetworkManager", cursor)


def complaints(journal: str) -> list[str]:
    """Pick what NetworkManager does not like about a file."""
    words = ("<warn>", "<error>", "invalid", "ignoring")
    return [
        line
        for line in journal.splitlines()
        if "keyfile" in line and any(word in line for word in words)
    ]


def dump(pi: Pi) -> dict[str, Settings]:
    """Read all profiles back, by id."""

    def plain(packed: dict[str, Any]) -> Settings:
        (groups,) = packed.get("data", [{}])
        return {
            group: {key: value["data"] for key, value in values.items()}
            for group, values in groups.items()
        }

    lines = [plain(json.loads(line)) for line in pi.run(DUMP).split("\n") if line]
    found = {}
    for settings, secrets in zip(lines[::2], lines[1::2], strict=True):
        for group, values in secrets.items():
            settings.setdefault(group, {}).update(values)
        found[settings["connection"]["id"]] = settings
    return found


def expected_security(network: Network) -> dict[str, str | int] | None:
    """Say what NetworkManager has to know of a network's protection."""
    security = network.security or "wpa2"
    if security == "open":
        return None
    if network.psk:
        # NetworkManager offers WPA3 for each wpa-psk profile, unless pmf is 1 (disable).
        return {"key-mgmt": "wpa-psk", "pmf": 1, "psk": network.psk.lower()}
    return {"key-mgmt": "sae" if security == "wpa3" else "wpa-psk", "psk": network.passphrase or ""}


def expected(number: int, network: Network) -> dict[str, Any]:
    """Say what NetworkManager has to read of a network."""
    return {
        "id": f"pvs-bridge-uplink-{number}",
        "interface-name": "wlan0",
        "autoconnect-priority": 500 + (network.priority or 0),
        "autoconnect-retries": 0,
        "mode": "infrastructure",
        "ssid": network.ssid.encode(),
        "hidden": bool(network.hidden),
        "assigned-mac-address": "permanent",
        "powersave": 2,
        "security": expected_security(network),
        "ipv4": "auto",
        "ipv6": "auto",
    }


def seen(settings: Settings) -> dict[str, Any]:
    """Pick the same from what it has read."""
    connection, radio = settings["connection"], settings["802-11-wireless"]
    return {
        **{key: connection.get(key) for key in ("id", "interface-name")},
        "autoconnect-priority": connection.get("autoconnect-priority", 0),
        "autoconnect-retries": connection.get("autoconnect-retries", -1),
        "mode": radio.get("mode"),
        "ssid": bytes(radio["ssid"]),
        "hidden": radio.get("hidden", False),
        "assigned-mac-address": radio.get("assigned-mac-address"),
        "powersave": radio.get("powersave"),
        "security": settings.get("802-11-wireless-security"),
        "ipv4": settings["ipv4"]["method"],
        "ipv6": settings["ipv6"]["method"],
    }


@on_every_pi
def test_networkmanager_reads_every_name_and_secret_as_it_was_given(
    pi: Pi, rendered: dict[str, str]
) -> None:
    files = {
        f"pvs-bridge-uplink-{number}": rendered[f"wifi {number}"] for number in range(len(NETWORKS))
    }
    journal = load(pi, files)
    assert complaints(journal) == [], journal

    profiles = dump(pi)
    for number, network in enumerate(NETWORKS):
        name = f"pvs-bridge-uplink-{number}"
        assert name in profiles, f"{pi.release} does not load:\n{files[name]}\n{journal}"
        assert seen(profiles[name]) == expected(number, network), f"{pi.release}:\n{files[name]}"


def properties(pi: Pi, name: str, text: str) -> dict[str, str]:
    """Read every setting that a profile's file makes, under NetworkManager's own name for it."""

    def wanted() -> Iterator[str]:
        for group, values in readers.read_keyfile(text).items():
            for key in values:
                real_group = {"ethernet": "802-3-ethernet", "wifi": "802-11-wireless"}.get(
                    group, group.replace("wifi-security", "802-11-wireless-security")
                )
                yield f"{real_group}.{ {'address1': 'addresses'}.get(key, key) }"
        yield from ("ipv4.gateway", "ipv4.dns", "ipv6.dns")

    fields = sorted(set(wanted()))
    shown = pi.run(f"nmcli --escape no --get-values {','.join(fields)} connection show {name}")
    return dict(zip(fields, shown.split("\n"), strict=False))


LINK = {
    "connection.autoconnect-priority": "999",
    "connection.autoconnect-retries": "0",
    "connection.interface-name": "eth0",
    "ipv4.dns": "",
    "ipv4.dns-priority": "10000",
    "ipv4.gateway": "",
    "ipv4.ignore-auto-dns": "yes",
    "ipv4.ignore-auto-routes": "yes",
    "ipv4.never-default": "yes",
    "ipv4.route-metric": "20000",
    "ipv6.method": "disabled",
}
UPLINK = {
    "connection.autoconnect-priority": "500",
    "connection.autoconnect-retries": "0",
    "connection.interface-name": "wlan0",
    "ipv6.method": "auto",
}
STATIC = {
    "ipv4.method": "manual",
    "ipv4.addresses": "192.168.20.20/24",
    "ipv4.gateway": "192.168.20.1",
    "ipv4.dns": "192.168.20.1,9.9.9.9",
    "ipv6.dns": "2620:fe::fe",
}
DHCP = {"ipv4.method": "auto", "ipv4.gateway": "", "ipv4.dns": "", "ipv6.dns": ""}
PROFILES: dict[str, tuple[str, dict[str, str]]] = {
    "link dhcp": (
        "pvs-bridge-link",
        {
            **LINK,
            "ipv4.method": "auto",
            "ipv4.dhcp-timeout": "2147483647",
        },
    ),
    "link static": (
        "pvs-bridge-link",
        {**LINK, "ipv4.method": "manual", "ipv4.addresses": "172.27.153.7/24"},
    ),
    "ethernet dhcp": ("pvs-bridge-uplink", {**UPLINK, **DHCP}),
    "ethernet static": ("pvs-bridge-uplink", {**UPLINK, **STATIC}),
    "wifi static": ("pvs-bridge-uplink-0", {**UPLINK, **STATIC}),
}


@on_every_pi
@pytest.mark.parametrize("file", PROFILES)
def test_networkmanager_takes_every_setting_of_a_profile(
    pi: Pi, rendered: dict[str, str], file: str
) -> None:
    name, wanted = PROFILES[file]
    journal = load(pi, {name: rendered[file]})
    assert complaints(journal) == [], f"{rendered[file]}\n{journal}"
    found = properties(pi, name, rendered[file])
    # Trixie's calls it by another name, and this one has no words any more.
    assert found.get("ipv4.dhcp-send-hostname", "no") in ("no", "0")
    assert {key: found[key] for key in wanted} == wanted, f"{rendered[file]}\n{journal}"


@on_every_pi
def test_networkmanager_would_complain_of_a_wrong_value(pi: Pi) -> None:
    wrong = "[connection]\nid=pvs-bridge-uplink\nuuid=4c1d7f0e-55b0-4f61-bb59-6e9f0b7e1a11\n"
    wrong += "type=wifi\n[wifi]\nssid=home\n[wifi-security]\nkey-mgmt=sae\npsk=a\\b c d e f\n"
    assert "psk" in "".join(complaints(load(pi, {"pvs-bridge-uplink": wrong})))
