"""The installer's console by its name, where it is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from pvs_lab.lab_client import LabClient

_ASK = "dig +short +time=2 +tries=1 @192.168.20.20 {} {}"


@pytest.fixture
def enabled(variables: dict[str, Any]) -> bool:
    """Whether this scenario's bridge answers name queries."""
    return bool(variables["console_dns_enabled"])


@pytest.mark.parametrize("name", ["sunpowerconsole.com", "www.sunpowerconsole.com"])
def test_the_names_of_the_console_lead_to_the_bridge(
    lab: LabClient, enabled: bool, name: str
) -> None:
    answer = lab.run("client", _ASK.format(name, "A"))[1].split()
    assert (answer == ["192.168.20.20"]) == enabled


def test_the_names_of_the_console_have_only_the_address_of_the_bridge(
    lab: LabClient, enabled: bool
) -> None:
    if enabled:
        assert lab.output("client", _ASK.format("sunpowerconsole.com", "AAAA")) == ""


def test_other_names_are_asked_at_the_home(lab: LabClient, enabled: bool) -> None:
    answer = lab.run("client", _ASK.format("world.example", "A"))[1].split()
    assert (answer == ["192.0.2.1"]) == enabled


def test_only_the_home_is_answered(lab: LabClient) -> None:
    sockets = lab.output("bridge", "ss --no-header --listening --udp --numeric src :53")
    assert "127.0.0.1" not in sockets
    assert "172.27.153." not in sockets


def test_no_dhcp_is_served(lab: LabClient) -> None:
    assert lab.output("bridge", "ss --no-header --listening --udp --numeric src :67") == ""
