"""Rules for the proxy, with the specs of the project's own roles."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue

Check = Callable[..., list[Issue]]

# What `openssl passwd` makes of "correct horse".
SHA256 = "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC"
SHA512 = (
    "$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNds"
    "yYBbtm/"
)
ACKNOWLEDGED = {"proxy_writes_acknowledged": True}
LIVE_DATA = {**ACKNOWLEDGED, "compat_live_data_enabled": True}
SUNVAULT = {**ACKNOWLEDGED, "proxy_sunvault_enabled": True}


def rounds(number: int | str, written: str = SHA512) -> str:
    kind, rest = written[:3], written[3:]
    return f"{kind}rounds={number}${rest}"


GOOD: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "routed": {"bridge_mode": "routed"},
    # times and numbers
    "nothing cached": {"proxy_cache_seconds": 0},
    "cached as long as can be": {"proxy_cache_seconds": 600},
    "commands and paths": {
        "proxy_command_cache_seconds": {"DeviceList": 300, "Get_Comm": 0, "devices/list": 600}
    },
    "least": {
        "proxy_queue_length": 1,
        "proxy_client_requests_per_minute": 60,
        "proxy_pvs_timeout_seconds": 1,
        "proxy_queue_timeout_seconds": 1,
    },
    "most": {
        "proxy_queue_length": 1000,
        "proxy_client_requests_per_minute": 100_000,
        "proxy_pvs_timeout_seconds": 600,
        "proxy_queue_timeout_seconds": 600,
        "health_timeout_seconds": 601,
    },
    # writes
    "acknowledged, and nothing needs it": ACKNOWLEDGED,
    "writes": {
        **ACKNOWLEDGED,
        "proxy_allow_commands": ["StartDiscovery", "SetMeterCt"],
        "proxy_allow_variables": ["/sys/telemetryws/enable", "/net_2"],
    },
    "a SunVault": SUNVAULT,
    "a SunVault elsewhere": {
        **SUNVAULT,
        "pvs_link_pvs_address": "172.27.152.1",
        "proxy_sunvault_address": "172.27.152.171",
    },
    "no SunVault, and another PVS": {"pvs_link_pvs_address": "172.27.152.1"},
    # ports
    "a port of a service that is off": {
        "proxy_http_port": 443,
        "proxy_https": "off",
        "proxy_stats_port": 503,
    },
    "both off": {"proxy_https_port": 8171},
    "a port of live data that is off": {
        "proxy_websocket_enabled": False,
        "proxy_http_port": 9002,
    },
    "live data that are switched on": LIVE_DATA,
    "every service": {**SUNVAULT, "proxy_https": "passthrough"},
    # who may ask
    "users": {
        "proxy_stats_network": True,
        "proxy_users": {
            "alice": SHA256,
            "bob.-_2": SHA512,
            "c" * 64: rounds(1000, SHA256),
            "dora": rounds(20_000),
        },
    },
    "every private network": {
        "proxy_source_networks": [
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.1/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.1.20/32",
        ]
    },
    "names": {
        "proxy_hostnames": ["Solar", "solar_2.my-home.lan", "a" * 63, "192.168.1.20", "2.solar"]
    },
    "sites": {
        "proxy_cors_origins": [
            "http://dashboard.lan:3000",
            "https://home-assistant.local:8123",
            "https://grafana",
            "http://192.168.1.7",
            "http://nas:443",
        ]
    },
    "every site": {"proxy_cors_origins": ["*"]},
}


@pytest.mark.parametrize("changed", GOOD.values(), ids=GOOD)
def test_a_proxy_that_can_work_gives_no_finding(
    check_project: Check, changed: dict[str, Any]
) -> None:
    assert [str(each) for each in check_project(**changed)] == []


def sources(*networks: str) -> dict[str, Any]:
    return {"proxy_source_networks": [*networks, "127.0.0.0/8"]}


def cached(**seconds: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a person writes
    return {"proxy_command_cache_seconds": seconds}


def users(**hashes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a person writes
    return {"proxy_users": hashes}


def opened(*commands: str) -> dict[str, Any]:
    return {**ACKNOWLEDGED, "proxy_allow_commands": list(commands)}


def opened_variable(name: str) -> dict[str, Any]:
    return {**ACKNOWLEDGED, "proxy_allow_variables": [name]}


def gateway(address: str, **more: str) -> dict[str, Any]:
    return {**SUNVAULT, "proxy_sunvault_address": address, **more}


def site(origin: str) -> dict[str, Any]:
    return {"proxy_cors_origins": [origin]}


def name(hostname: str) -> dict[str, Any]:
    return {"proxy_hostnames": [hostname]}


BAD: list[tuple[dict[str, Any], str, str]] = [
    # what was written, the variable of the finding, a word of problem or hint
    ({"proxy_cache_seconds": -1}, "proxy_cache_seconds", "from 0 to 600"),
    ({"proxy_cache_seconds": 601}, "proxy_cache_seconds", "from 0 to 600"),
    ({"proxy_queue_length": 0}, "proxy_queue_length", "from 1 to 1000"),
    ({"proxy_queue_length": 1001}, "proxy_queue_length", "from 1 to 1000"),
    (
        {"proxy_client_requests_per_minute": 59},
        "proxy_client_requests_per_minute",
        "from 60 to 100000",
    ),
    (
        {"proxy_client_requests_per_minute": 100_001},
        "proxy_client_requests_per_minute",
        "from 60 to 100000",
    ),
    ({"proxy_pvs_timeout_seconds": 0}, "proxy_pvs_timeout_seconds", "1 or more"),
    ({"proxy_pvs_timeout_seconds": 601}, "proxy_pvs_timeout_seconds", "from 1 to 600"),
    ({"proxy_queue_timeout_seconds": 601}, "proxy_queue_timeout_seconds", "from 1 to 600"),
    ({"health_timeout_seconds": 120}, "health_timeout_seconds", "set it to 130, or lower"),
    ({"proxy_pvs_timeout_seconds": 300}, "health_timeout_seconds", "set it to 310, or lower"),
    ({"health_user": "nobody"}, "health_user", "one of proxy_users"),
    # times for single commands
    (cached(DeviceList=601), "proxy_command_cache_seconds.DeviceList", "0 to 600"),
    (cached(DeviceList=-1), "proxy_command_cache_seconds.DeviceList", "0 to 600"),
    (cached(DeviceList=True), "proxy_command_cache_seconds.DeviceList", "integer"),
    (cached(DeviceList="30"), "proxy_command_cache_seconds.DeviceList", "without quotes"),
    (cached(DeviceList=1.5), "proxy_command_cache_seconds.DeviceList", "integer"),
    (cached(DeviceList=None), "proxy_command_cache_seconds.DeviceList", "integer"),
    (cached(DeviceLst=30), "proxy_command_cache_seconds.DeviceLst", "did you mean DeviceList?"),
    (cached(CHECKFW=30), "proxy_command_cache_seconds.CHECKFW", "did you mean CheckFW?"),
    (
        cached(**{"/cgi-bin/dl_cgi/devices/list": 30}),
        "proxy_command_cache_seconds./cgi-bin/dl_cgi/devices/list",
        "did you mean devices/list?",
    ),
    (cached(Reboot=30), "proxy_command_cache_seconds.Reboot", "use one of: CheckFW, DeviceDetails"),
    (
        {"proxy_command_cache_seconds": {7: 30}},
        "proxy_command_cache_seconds.7",
        "must be a command or path",
    ),
    (cached(Start=30), "proxy_command_cache_seconds.Start", "never cached; remove it"),
    (cached(SetAP=30), "proxy_command_cache_seconds.SetAP", "never cached; remove it"),
    # writes
    (opened("StartDiscover"), "proxy_allow_commands[0]", "did you mean StartDiscovery?"),
    (opened("setap"), "proxy_allow_commands[0]", "did you mean SetAP?"),
    (opened("Reboot"), "proxy_allow_commands[0]", "use one of: ChangeSerialNumber"),
    (opened("SetAP", "DeviceList"), "proxy_allow_commands[1]", "always allowed; remove it"),
    (opened("devicelist"), "proxy_allow_commands[0]", "remove it; DeviceList is always allowed"),
    (
        opened("SetAP", "SetMeterCt", "SetAP"),
        "proxy_allow_commands[2]",
        "the same as proxy_allow_commands[0]; remove one",
    ),
    ({"proxy_allow_commands": ["DeviceList"]}, "proxy_allow_commands[0]", "always allowed"),
    (
        {"proxy_allow_commands": ["SetAP", "SetMeterCt"]},
        "proxy_allow_commands",
        "change a power plant; set proxy_writes_acknowledged: true",
    ),
    (
        {"proxy_allow_variables": ["/sys/telemetryws/enable"]},
        "proxy_allow_variables",
        "set proxy_writes_acknowledged: true",
    ),
    (
        {"proxy_sunvault_enabled": True},
        "proxy_sunvault_enabled",
        "battery; set proxy_writes_acknowledged: true",
    ),
    (
        {"compat_live_data_enabled": True},
        "compat_live_data_enabled",
        "sets a variable of the PVS; set proxy_writes_acknowledged: true",
    ),
    ({**LIVE_DATA, "compat_mode": "off"}, "compat_live_data_enabled", "set compat_mode to auto"),
    (
        {**LIVE_DATA, "proxy_websocket_enabled": False},
        "compat_live_data_enabled",
        "set proxy_websocket_enabled: true",
    ),
    (opened_variable("sys/x"), "proxy_allow_variables[0]", "such as /sys/telemetryws/enable"),
    (opened_variable("/sys/.*"), "proxy_allow_variables[0]", "must be a variable of the PVS"),
    (opened_variable("/sys/x/"), "proxy_allow_variables[0]", "must be a variable of the PVS"),
    (opened_variable("/sys/x\n"), "proxy_allow_variables[0]", "must be a variable of the PVS"),
    (opened_variable("/sys/ü"), "proxy_allow_variables[0]", "must be a variable of the PVS"),
    # the SunVault
    (gateway("sunvault"), "proxy_sunvault_address", "must be an IPv4 address"),
    (gateway("172.27.153.1"), "proxy_sunvault_address", "the PVS's own"),
    (gateway("172.27.153.255"), "proxy_sunvault_address", "must be the address of a host"),
    (gateway("192.168.1.5"), "proxy_sunvault_address", "in 172.27.153.0/24"),
    (
        {**SUNVAULT, "pvs_link_pvs_address": "172.27.152.1"},
        "proxy_sunvault_address",
        "such as 172.27.152.171",
    ),
    (
        gateway("172.27.153.7", pvs_link_method="static", pvs_link_address="172.27.153.7/24"),
        "proxy_sunvault_address",
        "the bridge itself",
    ),
    # ports
    (
        {"proxy_http_port": 443},
        "proxy_http_port",
        "443 is already used by proxy_https_port",
    ),
    ({"proxy_https": "passthrough", "proxy_https_port": 80}, "proxy_https_port", "proxy_http_port"),
    ({"proxy_http_port": 9002}, "proxy_http_port", "proxy_websocket_port"),
    ({"proxy_websocket_port": 22}, "proxy_websocket_port", "SSH"),
    (
        {**SUNVAULT, "proxy_sunvault_second_modbus_port": 502},
        "proxy_sunvault_second_modbus_port",
        "proxy_sunvault_modbus_port",
    ),
    ({**SUNVAULT, "proxy_stats_port": 503}, "proxy_stats_port", "second_modbus"),
    ({"proxy_https_port": 0}, "proxy_https_port", "1 to 65535"),
    # the announcement
    ({"status_announce_pvs": True, "proxy_https": "off"}, "status_announce_pvs", "port 443"),
    ({"status_announce_pvs": True, "proxy_https_port": 8443}, "status_announce_pvs", "port 443"),
    # users
    ({"proxy_stats_network": True}, "proxy_stats_network", "openssl passwd -6"),
    (users(alice="correct horse"), "proxy_users.alice", "openssl passwd -6"),
    (users(alice=""), "proxy_users.alice", "openssl passwd -6"),
    (users(alice=12345678), "proxy_users.alice", "openssl passwd -6"),
    (users(alice=None), "proxy_users.alice", "openssl passwd -6"),
    (users(alice=[SHA512]), "proxy_users.alice", "openssl passwd -6"),
    (users(alice=SHA512[:-1]), "proxy_users.alice", "must be a password hash"),
    (users(alice=SHA512 + "\n"), "proxy_users.alice", "must be a password hash"),
    (users(alice=SHA256.replace("$5$", "$6$")), "proxy_users.alice", "must be a password hash"),
    (users(alice=SHA512.replace("$6$", "$5$")), "proxy_users.alice", "must be a password hash"),
    (
        users(alice=SHA512.replace("saltstring", "s" * 17)),
        "proxy_users.alice",
        "must be a password hash",
    ),
    (users(alice=SHA512.replace("saltstring", "")), "proxy_users.alice", "must be a password hash"),
    (
        users(alice=SHA512.replace("saltstring", "salt string")),
        "proxy_users.alice",
        "must be a password hash",
    ),
    (users(alice="$1$salt$qJH7.N4xYta3aEG/dfqo/0"), "proxy_users.alice", "must be a password hash"),
    (users(alice=rounds(20_001)), "proxy_users.alice", "1000 to 20000 rounds"),
    (users(alice=rounds(656_000)), "proxy_users.alice", "openssl passwd -6"),
    (users(alice=rounds(999)), "proxy_users.alice", "1000 to 20000 rounds"),
    (users(alice=rounds("05000")), "proxy_users.alice", "must be a password hash"),
    (users(alice=rounds("9" * 5000)), "proxy_users.alice", "must be a password hash"),
    (users(**{"alice smith": SHA512}), "proxy_users", "1 to 64"),
    (users(**{"": SHA512}), "proxy_users", "1 to 64"),
    (users(**{"alice:": SHA512}), "proxy_users", "1 to 64"),
    (users(**{"a" * 65: SHA512}), "proxy_users", "1 to 64"),
    (users(**{SHA512: "alice"}), "proxy_users", "NAME: 'HASH'"),
    ({"proxy_users": {7: SHA512}}, "proxy_users", "digits in quotes"),
    (users(alice="CHANGE-ME"), "proxy_users.alice", "placeholder"),
    # networks
    ({"proxy_source_networks": []}, "proxy_source_networks", "and 127.0.0.0/8"),
    (
        {"proxy_source_networks": ["192.168.0.0/16"]},
        "proxy_source_networks",
        "add 127.0.0.0/8",
    ),
    (sources("0.0.0.0/0"), "proxy_source_networks[0]", "private networks only"),
    (sources("8.8.8.8/32"), "proxy_source_networks[0]", "only private addresses"),
    (sources("192.168.0.0/15"), "proxy_source_networks[0]", "only private addresses"),
    (sources("192.168.1.5/24"), "proxy_source_networks[0]", "write 192.168.1.0/24"),
    (sources("192.168.1.5"), "proxy_source_networks[0]", "write 192.168.1.5/32"),
    (sources("10.0.0.0/255.0.0.0"), "proxy_source_networks[0]", "write 10.0.0.0/8"),
    (sources("home"), "proxy_source_networks[0]", "such as 192.168.1.0/24"),
    (sources("10.0.0.0/33"), "proxy_source_networks[0]", "such as 192.168.1.0/24"),
    (sources("fd00::/8"), "proxy_source_networks[0]", "IPv4 only"),
    (sources("172.27.153.0/24"), "proxy_source_networks[0]", "never answered"),
    # names
    (name("http://solar.lan:8000/index.html"), "proxy_hostnames[0]", "write solar.lan"),
    (name("solar.lan:80"), "proxy_hostnames[0]", "write solar.lan"),
    (name("solar.lan."), "proxy_hostnames[0]", "write solar.lan"),
    (name("*.lan"), "proxy_hostnames[0]", "each name in full"),
    (name(""), "proxy_hostnames[0]", "each name in full"),
    (name("my solar"), "proxy_hostnames[0]", "each name in full"),
    (name("-solar"), "proxy_hostnames[0]", "each name in full"),
    (name("sölar"), "proxy_hostnames[0]", "each name in full"),
    (name("a" * 64), "proxy_hostnames[0]", "each name in full"),
    (name("a." * 127 + "a"), "proxy_hostnames[0]", "each name in full"),
    (name("192.168.1.300"), "proxy_hostnames[0]", "write each name in full"),
    (name("fe80::1"), "proxy_hostnames[0]", "write each name in full"),
    # sites
    (
        {"proxy_cors_origins": ["http://nas", "*"]},
        "proxy_cors_origins[1]",
        "remove it, or all others",
    ),
    (site("http://nas/"), "proxy_cors_origins[0]", "write http://nas"),
    (site("https://Nas.lan:8443/x?y"), "proxy_cors_origins[0]", "write https://nas.lan:8443"),
    (site("http://Nas"), "proxy_cors_origins[0]", "write http://nas"),
    (site("HTTP://nas"), "proxy_cors_origins[0]", "write http://nas"),
    (site("http://nas:80"), "proxy_cors_origins[0]", "write http://nas"),
    (site("https://nas:443"), "proxy_cors_origins[0]", "write https://nas"),
    (site("dashboard.lan:3000"), "proxy_cors_origins[0]", "write http://dashboard.lan:3000"),
    (site("http://nas:99999"), "proxy_cors_origins[0]", "write it such as"),
    (site("http://*.lan"), "proxy_cors_origins[0]", "write it such as"),
    (site("ftp://nas"), "proxy_cors_origins[0]", "write it such as"),
    (site("null"), "proxy_cors_origins[0]", "to hide its origin; remove it"),
    (site(""), "proxy_cors_origins[0]", "write it such as"),
]


@pytest.mark.parametrize(("changed", "variable", "word"), BAD, ids=lambda each: str(each)[:40])
def test_what_cannot_work_or_is_unsafe_is_found_once_with_its_hint(
    check_project: Check, changed: dict[str, Any], variable: str, word: str
) -> None:
    findings = check_project(**changed)
    assert [each.location.variable for each in findings] == [variable]
    assert word in str(findings[0])


def test_everything_that_opens_a_write_wants_it_acknowledged(check_project: Check) -> None:
    findings = check_project(
        proxy_allow_commands=["SetAP"],
        proxy_allow_variables=["/x"],
        proxy_sunvault_enabled=True,
        compat_live_data_enabled=True,
    )
    assert [each.location.variable for each in findings] == [
        "proxy_allow_commands",
        "proxy_allow_variables",
        "proxy_sunvault_enabled",
        "compat_live_data_enabled",
    ]


def test_a_name_that_is_mixed_up_with_its_password_is_not_shown(check_project: Check) -> None:
    findings = check_project(**users(**{"correct horse": "alice"}))
    assert "horse" not in "".join(map(str, findings))


def test_a_network_that_cannot_be_read_may_be_the_pi_itself(check_project: Check) -> None:
    findings = check_project(proxy_source_networks=["192.168.0.0/16", "localhost"])
    assert [each.location.variable for each in findings] == ["proxy_source_networks[1]"]


@pytest.mark.parametrize(
    ("changed", "variables"),
    [
        ({"proxy_users": "alice"}, ["proxy_users"]),
        ({"proxy_users": [], "proxy_stats_network": True}, ["proxy_users"]),
        ({"proxy_source_networks": "10.0.0.0/8"}, ["proxy_source_networks"]),
        ({"proxy_source_networks": [10]}, ["proxy_source_networks[0]"]),
        ({"proxy_allow_commands": [True]}, ["proxy_allow_commands[0]"]),
        ({**SUNVAULT, "proxy_sunvault_address": 5}, ["proxy_sunvault_address"]),
        (
            {"proxy_writes_acknowledged": "perhaps", "proxy_allow_commands": ["SetAP"]},
            ["proxy_writes_acknowledged"],
        ),
        ({"proxy_https": "perhaps", "proxy_http_port": 443}, ["proxy_https"]),
        ({"proxy_https": False}, ["proxy_https"]),
        ({"proxy_https_enabled": True}, ["proxy_https_enabled"]),
        ({"proxy_pvs_timeout_seconds": 900}, ["proxy_pvs_timeout_seconds"]),
        ({**SUNVAULT, "pvs_link_pvs_address": "pvs"}, ["pvs_link_pvs_address"]),
    ],
    ids=str,
)
def test_one_mistake_is_one_finding(
    check_project: Check, changed: dict[str, Any], variables: list[str]
) -> None:
    assert [each.location.variable for each in check_project(**changed)] == variables


@pytest.mark.parametrize("kind", ["-5", "-6"])
def test_what_openssl_makes_is_a_hash(check_project: Check, kind: str) -> None:
    made = subprocess.run(
        ["openssl", "passwd", kind, "-stdin"],
        input="correct horse\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert check_project(**users(alice=made.stdout.strip())) == []
