"""Secrets are replaced in a configuration, and inserted again."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies

from pvs_bridge.boot_config import specs, stored_secrets
from pvs_bridge.boot_config.yaml_file import parse

_TEXT = """# garage
uplink_networks:
  - ssid: Sunnyside # mine
    passphrase: 'it''s: #1'
  - {{ssid: "Other", psk: {psk}, priority: 3}}
proxy_users: {{anna: "$5$a$b", bo: '$6$c$d'}}
compat_password: |
  one line
health_user: anna
health_password: secret # bo's
"""
_PSK = "0123456789abcdef" * 4


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_only_secrets_are_replaced(options: dict[str, Any], line_end: str) -> None:
    text = _TEXT.format(psk=_PSK).replace("\n", line_end)
    masked = stored_secrets.mask(text, specs.secret_paths(parse(text).values, options))
    assert masked == (
        """# garage
uplink_networks:
  - ssid: Sunnyside # mine
    passphrase: stored on the Pi
  - {ssid: "Other", psk: stored on the Pi, priority: 3}
proxy_users: {anna: stored on the Pi, bo: stored on the Pi}
compat_password: stored on the Pi
health_user: anna
health_password: stored on the Pi # bo's
"""
    ).replace("\n", line_end)


_URLS = """notify_urls:
  - 'ntfy://first' # phone
  - ntfy://second
"""


def test_urls_are_replaced_and_inserted_at_their_positions(options: dict[str, Any]) -> None:
    stored = parse(_URLS).values
    masked = stored_secrets.mask(_URLS, specs.secret_paths(stored, options))
    assert masked == "notify_urls:\n  - stored on the Pi # phone\n  - stored on the Pi\n"
    more = parse(f"{masked}  - ntfy://third\n").values
    assert stored_secrets.fill(more, stored) == (
        {"notify_urls": ["ntfy://first", "ntfy://second", "ntfy://third"]},
        [],
    )


def test_without_one_url_a_placeholder_is_not_another_ones() -> None:
    edited = parse("notify_urls: [stored on the Pi]\n").values
    filled, unknown = stored_secrets.fill(edited, parse(_URLS).values)
    assert unknown == [("notify_urls", 0)]
    assert filled == edited


def test_a_secret_is_inserted_at_the_item_of_the_same_name(options: dict[str, Any]) -> None:
    stored = parse(_TEXT.format(psk=_PSK)).values
    edited = """
uplink_networks:
  - {ssid: New, passphrase: 12345678}
  - {ssid: Other, psk: stored on the Pi}
  - {ssid: Sunnyside, passphrase: stored on the Pi}
  - {ssid: Third, passphrase: stored on the Pi}
proxy_users: {bo: stored on the Pi}
"""
    filled, unknown = stored_secrets.fill(parse(edited).values, stored)
    assert [each.get("psk") or each["passphrase"] for each in filled["uplink_networks"]] == [
        12345678, _PSK, "it's: #1", stored_secrets.PLACEHOLDER,
    ]  # fmt: skip
    assert filled["proxy_users"] == {"bo": "$6$c$d"}
    assert unknown == [("uplink_networks", 3, "passphrase")]
    assert options["uplink_networks"]["type"] == "list"


@hypothesis.given(strategies.text(min_size=1), strategies.booleans())
def test_every_secret_can_be_replaced_and_inserted(secret: str, flow: bool) -> None:
    values = {"proxy_users": {"anna": secret}, "uplink_hostname": "garage"}
    text = yaml.safe_dump(values, default_flow_style=flow, allow_unicode=True)
    path = ("proxy_users", "anna")
    masked = parse(stored_secrets.mask(text, [path])).values
    assert masked == {
        "proxy_users": {"anna": stored_secrets.PLACEHOLDER},
        "uplink_hostname": "garage",
    }
    assert stored_secrets.fill(masked, values) == (values, [])
