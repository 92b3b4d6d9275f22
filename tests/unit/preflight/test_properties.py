"""What holds for any input."""

from __future__ import annotations

from typing import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Finding

Check = Callable[..., list[Finding]]

# A busy machine is no failure, and nothing shall be left behind in the working directory.
calmly = settings(deadline=None, database=None)

# Letters of an alphabet that no message is written in, so that a hit is no chance.
GREEK = st.text("αβγδεζηθικλμνξοπρστυφχψω\t\n{}", min_size=3, max_size=80)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


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
        assert finding.cure
        assert "\n" not in str(finding)
