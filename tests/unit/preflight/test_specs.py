"""Types, choices, required and unknown keys, by the argument specs."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    Issue,
    Location,
    Path,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import (
    RoleSpec,
    SpecError,
    load_role,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.validation import validate

Check = Callable[..., list[Issue]]


def network(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {"uplink_networks": [{"ssid": "home", "passphrase": "correct horse", **keys}]}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    # what was written, the variable of the finding, a word of problem or hint
    ({"proxy_http_port": "eighty"}, "proxy_http_port", "such as 80"),
    ({"proxy_http_port": True}, "proxy_http_port", "an integer"),
    ({"proxy_http_port": [80]}, "proxy_http_port", "got a list"),
    # Text, as from -e and from quotes: a role would read "false" as true.
    ({"proxy_http_port": "8000"}, "proxy_http_port", "write 8000 without quotes"),
    ({"proxy_http_port": 80.0}, "proxy_http_port", "got a number"),
    ({"proxy_stats_network": "yes"}, "proxy_stats_network", "write true without quotes"),
    ({"proxy_stats_network": "false"}, "proxy_stats_network", "in an INI file as False"),
    ({"proxy_stats_network": 0}, "proxy_stats_network", "got a number"),
    ({"health_timeout_seconds": float("nan")}, "health_timeout_seconds", "a number"),
    ({"proxy_stats_network": "perhaps"}, "proxy_stats_network", "true or false"),
    ({"uplink_country": False}, "uplink_country", "put the value in quotes"),
    ({"uplink_hostname": 12}, "uplink_hostname", "put the value in quotes"),
    ({"uplink_dns_servers": "1.1.1.1"}, "uplink_dns_servers", "hyphen"),
    ({"uplink_networks": {"ssid": "x"}}, "uplink_networks", "hyphen"),
    ({"uplink_networks": ["home"]}, "uplink_networks[0]", "mapping"),
    ({"uplink_networks": [{"passphrase": "correct horse"}]}, "uplink_networks[0].ssid", "add ssid"),
    (network(passphrase=12345678), "uplink_networks[0].passphrase", "put the value in quotes"),
    (network(passphrase=None), "uplink_networks[0].passphrase", "remove the line"),
    (network(hidden="mostly"), "uplink_networks[0].hidden", "true or false"),
    (network(security="wpa-2"), "uplink_networks[0].security", "did you mean wpa2?"),
    (network(passphrse="x"), "uplink_networks[0].passphrse", "did you mean passphrase?"),
    ({"uplink_type": "ethernt"}, "uplink_type", "did you mean ethernet?"),
    ({"uplink_type": "WIFY"}, "uplink_type", "did you mean wifi?"),
    ({"uplink_type": "lora"}, "uplink_type", "wifi, ethernet"),
    ({"bridge_backend": "systemd-networkd"}, "bridge_backend", "auto, networkmanager, dhcpcd"),
    ({"health_client": None}, "health_client", "must be set"),
    ({"health_limits": [1]}, "health_limits", "key: value"),
    ({"health_limits": {"soft": 1, "hard": 2}}, "health_limits", "soft|hard"),
    ({"uplink_contry": "US"}, "uplink_contry", "did you mean uplink_country?"),
    ({"proxy_port": 80}, "proxy_port", "did you mean proxy_http_port?"),
    ({"console_dns_on": True}, "console_dns_on", "unknown variable"),
    ({"compat_mode": False}, "compat_mode", "put the value in quotes"),
    ({"compat_mode": "of"}, "compat_mode", "did you mean off?"),
    ({"compat_mod": "on"}, "compat_mod", "did you mean compat_mode?"),
]


@pytest.mark.parametrize(("changed", "variable", "word"), WRONG, ids=lambda each: str(each)[:40])
def test_what_breaks_the_spec_is_found_once_with_its_hint(
    check: Check, changed: dict[str, Any], variable: str, word: str
) -> None:
    findings = check(**changed)
    assert [each.location.variable for each in findings] == [variable]
    assert word in str(findings[0])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"health_timeout_seconds": 120.5},
        {"health_limits": {"soft": 1}},
        {"uplink_address": None},
        {"__uplink_found": 1},
        {"ansible_host": "garage.local"},
        {"uplinks": 3},
    ],
    ids=str,
)
def test_what_the_spec_allows_is_not_found(check: Check, changed: dict[str, Any]) -> None:
    assert check(**changed) == []


def test_every_mistake_is_found_in_one_go(check: Check) -> None:
    findings = check(
        uplink_country="usa",
        uplink_type="wire",
        proxy_http_port="x",
        uplink_networks=[{"ssid": "a", "pass": "b"}, {"psk": "c", "security": "wpa9"}],
        uplink_speed=3,
    )
    assert {each.location.variable for each in findings} == {
        "uplink_country",
        "uplink_type",
        "proxy_http_port",
        "uplink_networks[0]",
        "uplink_networks[0].pass",
        "uplink_networks[1].ssid",
        "uplink_networks[1].psk",
        "uplink_networks[1].security",
        "uplink_speed",
    }


def test_a_null_of_an_optional_variable_takes_back_what_a_group_set(specs: list[RoleSpec]) -> None:
    variables = {"uplink_type": "ethernet", "uplink_country": None, "health_client": "pi"}
    assert validate(variables, specs) == []


def test_findings_come_by_file_and_line_and_those_without_come_last(specs: list[RoleSpec]) -> None:
    lines = {"uplink_mdns": 30, "proxy_http_port": 4}

    def locate(path: Path) -> Location:
        line = lines.get(str(path[0]))
        return Location(path, "inventory/home/garage.yml", line) if line else Location(path)

    variables = {"uplink_mdns": "x", "proxy_http_port": "x", "uplink_type": "ethernet"}
    assert [str(each).split(" ")[0] for each in validate(variables, specs, locate)] == [
        "inventory/home/garage.yml:4:",
        "inventory/home/garage.yml:30:",
        "health_client:",
    ]


def test_a_finding_is_one_line_whatever_is_in_it() -> None:
    finding = Issue("'U\nS' is wrong", "write US", Location(("uplink_country",), "a.yml", 12))
    assert str(finding) == "a.yml:12: uplink_country: 'U S' is wrong; write US"


def test_a_role_without_an_argument_spec_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    (tmp_path / "garden").mkdir()
    with pytest.raises(SpecError, match=r"garden.*argument_specs\.yml\n  hint: write"):
        load_role(tmp_path / "garden")


def test_a_role_may_have_constants_of_its_own(tmp_path: pathlib.Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "argument_specs.yml").write_text("argument_specs: {main: {}}\n", "utf-8")
    assert load_role(tmp_path).constants == {}
    (tmp_path / "vars").mkdir()
    (tmp_path / "vars" / "main.yml").write_text("__garden_plants: [rose]\n", "utf-8")
    assert load_role(tmp_path).constants == {"__garden_plants": ["rose"]}


def test_an_argument_spec_without_options_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "argument_specs.yml").write_text("- nothing\n", "utf-8")
    with pytest.raises(SpecError, match="not a valid argument spec"):
        load_role(tmp_path)
