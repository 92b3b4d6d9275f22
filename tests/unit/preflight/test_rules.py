"""What no single value shows: variables against each other."""

# ruff: noqa: S106 - these passphrases protect nothing

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue

Check = Callable[..., list[Issue]]

KEY = "0123456789abcdef" * 4
STATIC = {
    "uplink_method": "static",
    "uplink_address": "192.168.1.20/24",
    "uplink_gateway": "192.168.1.1",
    "uplink_dns_servers": ["192.168.1.1"],
}
PEM = """-----BEGIN CERTIFICATE-----
MIIBcjCCARegAwIBAgIUJnzFpyTHGF4FsMslcFZsEquXtOAwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMjAxMDMyNjU2WhgPMjEyNjExMDcwMzI2NTZa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErpXcIuBK
gu01uTZ751CISLoECq0Rw0iKyr2jzrFzAGJNT3E4c48Lt/h4ZwrMSai4j0J6mWLO
iHfUTL9My366oaNTMFEwHQYDVR0OBBYEFAHFFAjWOd9hzRYc2YDaRWiB4O11MB8G
A1UdIwQYMBaAFAHFFAjWOd9hzRYc2YDaRWiB4O11MA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSQAwRgIhAPIgctBvD5cRrdBYzLrVxVvp/kWjkocppPUqb0j4
qTvEAiEAkifJe2fgPrEV+TWMz+dkSyNleQMd0Vz6ndqNvMJyIfY=
-----END CERTIFICATE-----
"""
AT_HOME = {"pvs_link_type": "home", "pvs_link_pvs_address": "192.168.1.30"}
LINK = {"pvs_link_method": "static", "pvs_link_address": "172.27.153.3/24"}


def networks(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"uplink_networks": list(entries)}


def at_home(address: str, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - any variable
    return {**AT_HOME, "pvs_link_pvs_address": address, **others}


def home(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {"ssid": "home", **keys}


GOOD: dict[str, dict[str, Any]] = {
    "static": STATIC,
    "static link": LINK,
    "both static, with name servers": {
        **STATIC,
        **LINK,
        "uplink_dns_servers": ["192.168.1.1", "9.9.9.9", "2620:fe::fe"],
    },
    "another PVS": {
        "pvs_link_pvs_address": "172.27.152.1",
        "pvs_link_method": "static",
        "pvs_link_address": "172.27.152.3/24",
    },
    "what is allowed everywhere is a country's rules too": {"uplink_country": "00"},
    "a PVS at home": AT_HOME,
    "a PVS at home by its name": {**AT_HOME, "pvs_link_pvs_address": "PVS6-1234.local"},
    "a PVS at home in another network, with a static address": {
        **AT_HOME,
        **STATIC,
        "pvs_link_pvs_address": "10.0.0.5",
    },
    "a PVS at home, and Ethernet": {**AT_HOME, "uplink_interface": "eth0"},
    "ethernet needs no country": {
        "uplink_type": "ethernet",
        "uplink_country": None,
        "uplink_networks": None,
    },
    "a card that has not been told its way home": {
        "uplink_type": "none",
        "uplink_country": None,
        "uplink_networks": None,
    },
    "open": networks(home(security="open")),
    "psk": networks(home(psk=KEY.upper())),
    "wpa3": networks(home(passphrase="p" * 63, security="wpa3")),
    "transition mode with a key, used as WPA2": networks(home(psk=KEY, security="wpa2-wpa3")),
    "names that differ by case": networks(
        home(passphrase="12345678"), {"ssid": "Home", "passphrase": "12345678"}
    ),
    "bytes": networks({"ssid": "é" * 16, "passphrase": "ü" * 4}),
    "the word by chance": networks(home(passphrase="never changeme again")),
    "swapped interfaces": {"uplink_interface": "eth0", "pvs_link_interface": "eth1"},
    "ports": {"proxy_http_port": 65535, "proxy_stats_port": 1},
    "an appliance at its least": {
        "appliance_journal_mib": 8,
        "appliance_zram_percent": 10,
        "appliance_updates_time": "00:00",
    },
    "an appliance at its most": {
        "appliance_journal_mib": 512,
        "appliance_zram_percent": 100,
        "appliance_updates_time": "23:59",
    },
    "a locked root": {"appliance_read_only_root": True, "appliance_swap": "none"},
    "swap and journal on a card that is not locked": {
        "appliance_swap": "card",
        "appliance_volatile_journal": False,
    },
    "no compat service": {"compat_mode": "off", "compat_stale_seconds": 0},
    "another owner's password": {"compat_password": "sun & flower", "compat_mode": "on"},
    "neither monitor nor status page": {"monitor_enabled": False, "status_enabled": False},
    "monitor without status page": {"status_enabled": False, "monitor_interval_seconds": 20},
    "a PVS that is announced": {"status_announce_pvs": True},
    "a time zone": {"status_time_zone": "America/Argentina/Buenos_Aires"},
    "a time zone without a place": {"status_time_zone": "UTC"},
    "a broker": {"mqtt_enabled": True, "mqtt_host": "homeassistant.local", "mqtt_user": "anna"},
    "a broker by TLS": {
        "mqtt_enabled": True,
        "mqtt_host": "fd00::5",
        "mqtt_tls_enabled": True,
        "mqtt_tls_ca": f"{PEM}{PEM}",
        "mqtt_base_topic": "home/roof-1",
        "mqtt_user": "anna",
        "mqtt_password": "sun & flower",
    },
    "a broker whose port is one of the bridge's own": {
        "mqtt_enabled": True,
        "mqtt_host": "nas",
        "mqtt_port": 80,
    },
    "panels": {
        "status_panels": [
            {"serial": "E1", "roof": "South", "row": 1, "column": 40},
            {"serial": "E2", "roof": "West", "row": 1, "column": 40},
            {"serial": "E3", "name": "North"},
            {"serial": "E4"},
        ]
    },
    "port 53 while no name server runs": {"proxy_http_port": 53},
    "longest name": {"uplink_hostname": "a" * 63},
    "the shortest time to come back": {"rollback_timeout_seconds": 30},
    "the longest time to come back": {"rollback_timeout_seconds": 900},
}


@pytest.mark.parametrize("changed", GOOD.values(), ids=GOOD)
def test_a_bridge_that_can_work_gives_no_finding(check: Check, changed: dict[str, Any]) -> None:
    assert [str(each) for each in check(**changed)] == []


BAD: list[tuple[dict[str, Any], str, str]] = [
    # interfaces
    ({"uplink_interface": "eth0"}, "uplink_interface", "must differ from pvs_link_interface"),
    ({"pvs_link_interface": "wlan0"}, "pvs_link_interface", "must differ from uplink_interface"),
    ({"uplink_interface": "wlan 0"}, "uplink_interface", "ip -brief link"),
    ({"uplink_interface": "a" * 16}, "uplink_interface", "name of a network interface"),
    # static and dhcp
    ({**STATIC, "uplink_address": None}, "uplink_address", "or uplink_method: dhcp"),
    ({**STATIC, "uplink_address": "192.168.1.20"}, "uplink_address", "prefix length"),
    ({**STATIC, "uplink_address": "192.168.1.300/24"}, "uplink_address", "an IPv4 address"),
    ({**STATIC, "uplink_address": "192.168.1.20/255.255.255.0"}, "uplink_address", "prefix"),
    ({**STATIC, "uplink_address": "192.168.1.0/24"}, "uplink_address", "of its network"),
    ({**STATIC, "uplink_address": "192.168.1.255/24"}, "uplink_address", "broadcast"),
    ({**STATIC, "uplink_gateway": None}, "uplink_gateway", "home's router"),
    ({**STATIC, "uplink_gateway": "router"}, "uplink_gateway", "an IPv4 address"),
    (
        {**STATIC, "uplink_gateway": "192.168.2.1"},
        "uplink_gateway",
        "in the network of uplink_address",
    ),
    ({**STATIC, "uplink_gateway": "192.168.1.20"}, "uplink_gateway", "the bridge itself"),
    ({**STATIC, "uplink_gateway": "192.168.1.255"}, "uplink_gateway", "address of a host"),
    ({**STATIC, "uplink_dns_servers": ["9.9.9.9", "dns"]}, "uplink_dns_servers[1]", "IP address"),
    ({"uplink_address": "192.168.1.20/24"}, "uplink_address", "set uplink_method: static"),
    ({"uplink_dns_servers": ["9.9.9.9"]}, "uplink_dns_servers", "set uplink_method: static"),
    ({"pvs_link_address": "172.27.153.3/24"}, "pvs_link_address", "pvs_link_method: static"),
    # the two networks
    ({**LINK, "pvs_link_address": None}, "pvs_link_address", "172.27.153.3/24"),
    ({**LINK, "pvs_link_address": "172.27.152.3/24"}, "pvs_link_address", "in the PVS's network"),
    ({**LINK, "pvs_link_address": "172.27.153.1/24"}, "pvs_link_address", "PVS's own"),
    ({**LINK, "pvs_link_address": "172.27.153.130/25"}, "pvs_link_address", "must include the PVS"),
    ({**LINK, "pvs_link_address": "172.27.153.3/16"}, "pvs_link_address", "must not be larger"),
    ({"pvs_link_pvs_address": "pvs"}, "pvs_link_pvs_address", "172.27.153.1"),
    (
        {**STATIC, "uplink_dns_servers": ["172.27.153.1"]},
        "uplink_dns_servers[0]",
        "outside of the PVS's network",
    ),
    # a PVS at home
    ({"pvs_link_type": "home"}, "pvs_link_pvs_address", "address in the home network"),
    ({"pvs_link_type": "wifi"}, "pvs_link_type", "cable, home"),
    (at_home("172.27.153.1"), "pvs_link_pvs_address", "not the one at its cable"),
    (at_home("203.0.113.5"), "pvs_link_pvs_address", "a private address"),
    (at_home("127.0.0.1"), "pvs_link_pvs_address", "a private address"),
    (at_home("192.168.1"), "pvs_link_pvs_address", "an mDNS name"),
    (at_home("pvs6.fritz.box"), "pvs_link_pvs_address", "an mDNS name"),
    (at_home("pvs6.local.local"), "pvs_link_pvs_address", "an mDNS name"),
    (
        at_home("Garage.local", uplink_hostname="garage"),
        "pvs_link_pvs_address",
        "another name than uplink_hostname",
    ),
    (at_home("pvs6.local", uplink_mdns=False), "uplink_mdns", "must be true"),
    (at_home("192.168.1.20", **STATIC), "pvs_link_pvs_address", "the bridge itself"),
    (at_home("192.168.1.1", **STATIC), "pvs_link_pvs_address", "the home's router"),
    (at_home("192.168.1.255", **STATIC), "pvs_link_pvs_address", "address of a host"),
    ({**AT_HOME, "pvs_link_interface": "eth0"}, "pvs_link_interface", "is not used"),
    ({**AT_HOME, "pvs_link_method": "dhcp"}, "pvs_link_method", "is not used"),
    # Wi-Fi
    ({"uplink_country": None}, "uplink_country", "ISO 3166"),
    ({"uplink_country": "gb"}, "uplink_country", "write GB"),
    ({"uplink_country": "UK"}, "uplink_country", "write GB"),
    ({"uplink_country": "Germany"}, "uplink_country", "two capitals"),
    (networks(), "uplink_networks", "uplink_type: ethernet"),
    ({"uplink_networks": None}, "uplink_networks", "uplink_type: ethernet"),
    (networks({"ssid": "", "security": "open"}), "uplink_networks[0].ssid", "got 0"),
    (networks({"ssid": "é" * 17, "security": "open"}), "uplink_networks[0].ssid", "got 34"),
    (
        networks({"ssid": "sun \ud83d\ude00", "security": "open"}),
        "uplink_networks[0].ssid",
        "half of a surrogate pair",
    ),
    (networks(home(passphrase="correct \ud83d")), "uplink_networks[0].passphrase", "code point"),
    (
        networks(home(security="open"), home(psk=KEY)),
        "uplink_networks[1].ssid",
        "the ssid of uplink_networks[0]",
    ),
    (networks(home()), "uplink_networks[0]", "security: open"),
    (networks(home(passphrase="12345678", psk=KEY)), "uplink_networks[0]", "remove one"),
    (
        networks(home(passphrase="12345678", security="open")),
        "uplink_networks[0].passphrase",
        "remove passphrase",
    ),
    (networks(home(psk=KEY, security="open")), "uplink_networks[0].psk", "remove psk"),
    (networks(home(psk=KEY, security="wpa3")), "uplink_networks[0].psk", "passphrase instead"),
    (networks(home(psk="g" * 64)), "uplink_networks[0].psk", "64 hexadecimal"),
    (networks(home(psk=KEY[1:])), "uplink_networks[0].psk", "64 hexadecimal"),
    (networks(home(passphrase=KEY)), "uplink_networks[0].passphrase", "write it as psk"),
    (networks(home(passphrase="1234567")), "uplink_networks[0].passphrase", "got 7"),
    (networks(home(passphrase="ü" * 32)), "uplink_networks[0].passphrase", "got 64"),
    (networks(home(passphrase="1234\t5678")), "uplink_networks[0].passphrase", "without tabs"),
    (networks(home(passphrase="12345678\n")), "uplink_networks[0].passphrase", "line break"),
    (networks(home(psk=KEY, priority=401)), "uplink_networks[0].priority", "0 to 400"),
    # placeholders
    (networks(home(passphrase="CHANGE-ME")), "uplink_networks[0].passphrase", "placeholder"),
    (networks(home(psk="change_me")), "uplink_networks[0].psk", "placeholder"),
    ({"uplink_country": "CHANGE-ME"}, "uplink_country", "placeholder"),
    ({"uplink_hostname": "bridge-CHANGE-ME"}, "uplink_hostname", "placeholder"),
    # names, ports, times
    ({"uplink_hostname": "solar_bridge"}, "uplink_hostname", "hyphens"),
    ({"uplink_hostname": "garage.local"}, "uplink_hostname", "without a dot"),
    ({"uplink_hostname": "-garage"}, "uplink_hostname", "must not be a hyphen"),
    ({"uplink_hostname": "a" * 64}, "uplink_hostname", "1 to 63"),
    ({"uplink_hostname": ""}, "uplink_hostname", "1 to 63"),
    ({"proxy_http_port": 0}, "proxy_http_port", "1 to 65535"),
    ({"proxy_http_port": 65536}, "proxy_http_port", "1 to 65535"),
    ({"proxy_http_port": 22}, "proxy_http_port", "SSH"),
    ({"proxy_http_port": 8080}, "proxy_http_port", "proxy_stats_port"),
    ({"proxy_stats_port": 80}, "proxy_stats_port", "proxy_http_port"),
    ({"proxy_stats_port": 53, "console_dns_enabled": True}, "proxy_stats_port", "console_dns"),
    ({"proxy_pvs_timeout_seconds": 0}, "proxy_pvs_timeout_seconds", "1 or more"),
    ({"health_timeout_seconds": -1.5}, "health_timeout_seconds", "1 or more"),
    ({"rollback_timeout_seconds": 0}, "rollback_timeout_seconds", "1 or more"),
    ({"rollback_timeout_seconds": 29}, "rollback_timeout_seconds", "use at least 30"),
    ({"rollback_timeout_seconds": 901}, "rollback_timeout_seconds", "30 to 900"),
    ({"appliance_journal_mib": 7}, "appliance_journal_mib", "from 8 to 512"),
    ({"appliance_journal_mib": 513}, "appliance_journal_mib", "from 8 to 512"),
    ({"appliance_zram_percent": 5}, "appliance_zram_percent", "from 10 to 100"),
    (
        {"appliance_read_only_root": True, "appliance_swap": "card"},
        "appliance_swap",
        "must be zram or none",
    ),
    (
        {"appliance_read_only_root": True, "appliance_volatile_journal": False},
        "appliance_volatile_journal",
        "be lost at a restart",
    ),
    ({"appliance_updates_time": "24:00"}, "appliance_updates_time", "in quotes"),
    ({"appliance_updates_time": "2:30"}, "appliance_updates_time", "in quotes"),
    ({"compat_stale_seconds": -1}, "compat_stale_seconds", "0 to 86400"),
    ({"compat_night_seconds": 86401}, "compat_night_seconds", "0 to 86400"),
    ({"compat_stale_seconds": 86401}, "compat_stale_seconds", "0 to 86400"),
    ({"compat_password": "sun\tflower"}, "compat_password", "printable"),
    ({"compat_password": "p" * 65}, "compat_password", "at most 64"),
    ({"monitor_interval_seconds": 5}, "monitor_interval_seconds", "20 to 3600"),
    ({"monitor_signal_dbm": 75}, "monitor_signal_dbm", "-100 to -30"),
    ({"monitor_enabled": False}, "monitor_enabled", "must be true with status_enabled"),
    (
        {"status_announce_pvs": True, "status_enabled": False},
        "status_announce_pvs",
        "needs status_enabled",
    ),
    ({"status_announce_pvs": True, "uplink_mdns": False}, "status_announce_pvs", "uplink_mdns"),
    ({"status_time_zone": "America/Los Angeles"}, "status_time_zone", "America/Los_Angeles"),
    ({"status_time_zone": "/etc/passwd"}, "status_time_zone", "must be the name of a time zone"),
    ({"status_time_zone": "PST8PDT,M3.2.0"}, "status_time_zone", "timedatectl"),
    (
        {"status_panels": [{"serial": "E1"}, {"serial": "E1"}]},
        "status_panels[1].serial",
        "status_panels[0] is this panel too",
    ),
    (
        {
            "status_panels": [
                {"serial": "E1", "row": 2, "column": 3},
                {"serial": "E2", "row": 2, "column": 3},
            ]
        },
        "status_panels[1].row",
        "status_panels[0] is a panel at this place too",
    ),
    ({"status_panels": [{"serial": "E1", "row": 2}]}, "status_panels[0]", "has no column"),
    (
        {"status_panels": [{"serial": "E1", "row": 2, "column": 41}]},
        "status_panels[0].column",
        "must be from 1 to 40, got 41",
    ),
    ({"compat_password": "p", "compat_mode": "off"}, "compat_password", "not used"),
    ({"mqtt_enabled": True}, "mqtt_host", "must be the MQTT broker"),
    ({"mqtt_host": "mqtt://nas"}, "mqtt_host", "must be a host name or an address"),
    ({"mqtt_host": "nas:1883"}, "mqtt_host", "the port belongs into mqtt_port"),
    ({"mqtt_host": "nas "}, "mqtt_host", "must be a host name"),
    ({"mqtt_port": 0}, "mqtt_port", "must be from 1 to 65535"),
    (
        {"mqtt_enabled": True, "mqtt_host": "nas.local", "uplink_mdns": False},
        "uplink_mdns",
        "mqtt_host is a name in .local",
    ),
    (
        {
            "mqtt_enabled": True,
            "mqtt_host": "nas",
            "monitor_enabled": False,
            "status_enabled": False,
        },
        "mqtt_enabled",
        "needs monitor_enabled",
    ),
    ({"mqtt_password": "p"}, "mqtt_user", "must be set with mqtt_password"),
    ({"mqtt_user": "a\tb"}, "mqtt_user", "printable"),
    ({"mqtt_user": "a", "mqtt_password": "p" * 257}, "mqtt_password", "at most 256"),
    ({"mqtt_base_topic": "home/+/solar"}, "mqtt_base_topic", "such as home/solar"),
    ({"mqtt_base_topic": "/solar"}, "mqtt_base_topic", "in levels"),
    ({"mqtt_base_topic": ""}, "mqtt_base_topic", "in levels"),
    ({"mqtt_discovery_prefix": "a" * 65}, "mqtt_discovery_prefix", "at most 64"),
    ({"mqtt_tls_ca": PEM}, "mqtt_tls_ca", "is not used"),
    ({"mqtt_tls_enabled": True, "mqtt_tls_ca": "/etc/ca.crt"}, "mqtt_tls_ca", "as PEM"),
    ({"mqtt_tls_enabled": True, "mqtt_tls_ca": PEM.replace("\n", " ")}, "mqtt_tls_ca", "all its"),
    (
        {"mqtt_tls_enabled": True, "mqtt_tls_ca": f"{PEM}-----BEGIN PRIVATE KEY-----"},
        "mqtt_tls_ca",
        "without a key",
    ),
]


@pytest.mark.parametrize(("changed", "variable", "word"), BAD, ids=lambda each: str(each)[:40])
def test_what_cannot_work_is_found_once_with_its_hint(
    check: Check, changed: dict[str, Any], variable: str, word: str
) -> None:
    findings = check(**changed)
    assert [each.location.variable for each in findings] == [variable]
    assert word in str(findings[0])


def test_an_uplink_in_the_pvs_network_is_refused_with_its_gateway(check: Check) -> None:
    findings = check(
        **{**STATIC, "uplink_address": "172.27.153.20/24", "uplink_gateway": "172.27.153.1"}
    )
    assert [each.location.variable for each in findings] == ["uplink_address", "uplink_gateway"]
    assert all("outside of the PVS's network" in each.problem for each in findings)


def test_a_home_network_around_the_pvs_network_is_refused(check: Check) -> None:
    findings = check(
        **{**STATIC, "uplink_address": "172.27.1.20/16", "uplink_gateway": "172.27.1.1"}
    )
    assert [each.location.variable for each in findings] == ["uplink_address"]


def test_a_value_of_the_wrong_type_is_not_found_a_second_time(check: Check) -> None:
    findings = check(uplink_country=False, uplink_networks="home", proxy_http_port="x")
    assert sorted(str(each.location.variable) for each in findings) == [
        "proxy_http_port",
        "uplink_country",
        "uplink_networks",
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"bridge_mode": "both"},
        {"bridge_mode": "routed"},
        {"console_dns_enabled": True},
        {"proxy_sunvault_enabled": True, "proxy_writes_acknowledged": True},
    ],
)
def test_what_needs_the_cable_is_refused_for_a_pvs_at_home(
    check_project: Check, changed: dict[str, Any]
) -> None:
    found = check_project(**AT_HOME, **changed)
    assert [each.location.variable for each in found] == [next(iter(changed))]
    assert "needs pvs_link_type: cable" in str(found[0])
    assert check_project(**AT_HOME) == []
