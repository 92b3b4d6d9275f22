"""What holds for any input."""

from __future__ import annotations

import ipaddress
import pathlib
import re
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import load_role

Check = Callable[..., list[Issue]]

# No deadline, because the machine may be busy; no database, to leave no files behind.
calmly = settings(deadline=None, database=None)

# Letters that occur in no message.
GREEK = st.text("αβγδεζηθικλμνξοπρστυφχψω\t\n{}", min_size=3, max_size=80)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PROXY = load_role(pathlib.Path(__file__).parents[3] / "roles" / "proxy")
# Made of what hosts, origins and networks are made of, so that many are nearly right.
NEARLY = st.lists(
    st.sampled_from(
        [
            *":/.*-_ ?@aé01",
            *("http", "HTTPS", "://", "Nas", "lan", "24", "80", "443"),
            *("10.0.0.0", "192.168.1.5", "255.0.0.0", "fd00::"),
        ]
    ),
    max_size=8,
).map("".join)


def fits(ssid: str) -> bool:
    return 1 <= len(ssid.encode()) <= 32 and "change" not in ssid.lower()


@calmly
@given(ssid=st.text(st.characters(exclude_categories=["Cs"]), max_size=32).filter(fits))
def test_every_name_of_1_to_32_bytes_is_accepted(check: Check, ssid: str) -> None:
    assert check(uplink_networks=[{"ssid": ssid, "passphrase": "correct horse"}]) == []


@calmly
@given(passphrase=st.text(st.characters(codec="ascii", min_codepoint=32), min_size=8, max_size=63))
def test_every_printable_passphrase_of_8_to_63_bytes_is_accepted(
    check: Check, passphrase: str
) -> None:
    wanted = "\x7f" not in passphrase and "change" not in passphrase.lower()
    found = check(uplink_networks=[{"ssid": "home", "passphrase": passphrase}])
    assert not wanted or found == []


@calmly
@given(
    secret=GREEK,
    key=st.sampled_from(["passphrase", "psk", "security", "ssid", "priority", "hidden"]),
    more=st.dictionaries(st.sampled_from(["psk", "passphrase", "security"]), GREEK),
)
def test_nothing_out_of_a_network_is_ever_shown(
    check: Check, secret: str, key: str, more: dict[str, str]
) -> None:
    entry = {"ssid": "home", **more, key: secret}
    for entries in ([entry], [secret], secret, {"ssid": secret}, [[secret]]):
        for finding in check(uplink_networks=entries):
            assert not set(str(finding)) & set("αβγδεζηθικλμνξοπρστυφχψω")


@calmly
@given(
    name=st.sampled_from(
        [
            "uplink_address",
            "uplink_country",
            "uplink_dns_servers",
            "uplink_gateway",
            "uplink_hostname",
            "uplink_interface",
            "uplink_method",
            "uplink_networks",
            "uplink_type",
            "pvs_link_pvs_address",
            "pvs_link_address",
            "proxy_http_port",
            "health_limits",
            "health_timeout_seconds",
        ]
    ),
    value=ANYTHING,
    static=st.booleans(),
)
def test_no_value_whatever_breaks_the_checks(
    check: Check, name: str, value: object, static: bool
) -> None:
    method = {"uplink_method": "static", "pvs_link_method": "static"} if static else {}
    for finding in check(**{**method, name: value}):
        assert finding.hint
        assert "\n" not in str(finding)


@calmly
@given(
    name=st.sampled_from(sorted(PROXY.options)),
    value=ANYTHING | st.lists(NEARLY, max_size=3) | st.dictionaries(NEARLY, ANYTHING, max_size=3),
    acknowledged=st.booleans(),
)
def test_no_value_of_the_proxy_whatever_breaks_the_checks(
    check_project: Check, name: str, value: object, acknowledged: bool
) -> None:
    for finding in check_project(
        **{"proxy_sunvault_enabled": True, "proxy_writes_acknowledged": acknowledged, name: value}
    ):
        assert finding.hint
        assert "\n" not in str(finding)


@calmly
@given(name=GREEK | st.just("alice"), secret=GREEK)
def test_nothing_out_of_the_users_is_ever_shown(
    check_project: Check, name: str, secret: str
) -> None:
    for value in (secret, [secret], {secret: secret}, f"$6$rounds=5000$salt${secret}"):
        for users in ({name: value}, value):
            for finding in check_project(proxy_users=users):
                assert not set(str(finding)) & set("αβγδεζηθικλμνξοπρστυφχψω")


@calmly
@given(
    address=st.ip_addresses(v=4)
    | st.ip_addresses(network="10.0.0.0/7")
    | st.ip_addresses(network="100.0.0.0/9")
    | st.ip_addresses(network="192.168.0.0/15"),
    prefix=st.integers(0, 32),
)
def test_no_network_with_an_address_of_the_internet_may_ask(
    check_project: Check, address: ipaddress.IPv4Address, prefix: int
) -> None:
    network = ipaddress.IPv4Network((address, prefix), strict=False)
    found = check_project(proxy_source_networks=[str(network), "127.0.0.0/8"])
    if address.is_global or network[-1].is_global:
        assert [each.location.variable for each in found] == ["proxy_source_networks[0]"]
        assert "private" in found[0].problem
    elif network.subnet_of(ipaddress.IPv4Network("10.0.0.0/8")):
        assert found == []


@calmly
@given(
    name=st.sampled_from(["proxy_hostnames", "proxy_cors_origins", "proxy_source_networks"]),
    written=NEARLY,
)
def test_the_value_in_a_hint_is_valid(check_project: Check, name: str, written: str) -> None:
    others = ["127.0.0.0/8"] if name == "proxy_source_networks" else []
    for finding in check_project(**{name: [written, *others]}):
        shown = re.fullmatch(r"write (\S+)", finding.hint)
        assert not shown or check_project(**{name: [shown[1], *others]}) == []
