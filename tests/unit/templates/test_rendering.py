"""The roles' templates, rendered by Ansible."""

from __future__ import annotations

import re

import pytest
from unit.templates.networks import NETWORKS

pytestmark = pytest.mark.needs_system


def test_the_module_renders_what_the_lookup_renders(rendered: dict[str, str]) -> None:
    assert rendered["by the module"] == rendered["wifi 3"]


def test_every_file_ends_with_one_line_break(rendered: dict[str, str]) -> None:
    bad = [name for name, text in rendered.items() if not re.search(r"[^\n]\n\Z", text)]
    assert bad == [], rendered[bad[0]] if bad else ""


def test_no_template_is_left_unrendered(rendered: dict[str, str]) -> None:
    given = "\n".join(f"{network.ssid}\n{network.passphrase}" for network in NETWORKS)
    for name, text in rendered.items():
        left = [mark for mark in re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text) if mark not in given]
        assert left == [], f"{name}:\n{text}"


@pytest.mark.parametrize("file", ["link dhcp", "ethernet dhcp", "wpa_supplicant", "avahi"])
def test_a_file_says_who_wrote_it(rendered: dict[str, str], file: str) -> None:
    assert rendered[file].startswith("# ")
    assert "nsible" in rendered[file].splitlines()[0]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("link dhcp", "route-metric=20000"),
        ("link static", "route-metric=20000"),
        ("dhcpcd link dhcp", "metric 20000"),
        ("dhcpcd link static", "metric 20000"),
    ],
)
def test_a_lease_with_the_home_s_network_does_not_take_its_routes(
    rendered: dict[str, str], file: str, line: str
) -> None:
    """NetworkManager gives Wi-Fi the metric 600, and dhcpcd 3000 and the interface's index."""
    assert line in rendered[file].splitlines()


@pytest.mark.parametrize("file", ["firewall", "firewall of everything", "firewall routed"])
def test_the_firewall_lets_out_only_what_goes_to_the_pvs_s_network(
    rendered: dict[str, str], file: str
) -> None:
    chain = rendered[file].partition("chain to_pvs {")[2].partition("}\n    }")[0]
    rules = [line.strip() for line in chain.splitlines() if line.strip()[:1] not in {"", "#"}]
    first = rules[0]
    assert first.startswith("ip daddr != { 172.27.153.0/24, 255.255.255.255 }")
    assert first.endswith("net-prohibited")


@pytest.mark.parametrize("file", ["sysctl", "firewall"])
def test_a_pvs_at_home_leaves_the_ethernet_port_alone(rendered: dict[str, str], file: str) -> None:
    assert "eth0" in rendered[file]
    assert not re.search(r"eth0|\$pvs|172\.27\.153|_pvs {", rendered[f"{file} at home"])
