"""The interfaces of the home network and of the PVS are found, or the error says what to do."""

from __future__ import annotations

import pytest

from pvs_bridge.errors import IssueError
from pvs_bridge.setup.interfaces import Interface, choose

WIFI = Interface("wlan0", ["192.168.20.20/24"], ["192.168.20.1"], has_cable=True)
HOME_CABLE = Interface("eth0", ["192.168.20.21/24"], ["192.168.20.1"], has_cable=True)
# Without the option nogateway, the PVS becomes the router of everything.
PVS = Interface("eth0", ["172.27.153.10/24"], ["172.27.153.1"], has_cable=True)
EMPTY = Interface("eth0")
ADAPTER = Interface("enx00e04c680001", has_cable=True)
BRIDGE = Interface("docker0", ["172.17.0.1/16"])


@pytest.mark.parametrize(
    ("interfaces", "uplink", "pvs_link"),
    [
        ([WIFI, EMPTY], "wlan0", "eth0"),
        ([PVS, WIFI], "wlan0", "eth0"),
        ([BRIDGE, EMPTY, WIFI], "wlan0", "eth0"),
        # Wi-Fi is the home network if both are, because the PVS needs the cable.
        ([HOME_CABLE, WIFI], "wlan0", "eth0"),
        ([HOME_CABLE, ADAPTER], "eth0", "enx00e04c680001"),
        ([WIFI, EMPTY, ADAPTER], "wlan0", "enx00e04c680001"),
        ([WIFI, PVS, ADAPTER], "wlan0", "eth0"),
    ],
)
def test_the_interfaces_are_found(interfaces: list[Interface], uplink: str, pvs_link: str) -> None:
    chosen = choose(interfaces)
    assert (chosen["uplink"].name, chosen["pvs_link"].name) == (uplink, pvs_link)


@pytest.mark.parametrize("interfaces", [[], [EMPTY], [PVS], [BRIDGE, PVS]])
def test_without_a_home_network_the_pi_has_to_be_connected(interfaces: list[Interface]) -> None:
    with pytest.raises(IssueError, match="not connected to the home network") as error:
        choose(interfaces)
    assert "nmtui" in error.value.issue.hint


@pytest.mark.parametrize("interfaces", [[HOME_CABLE], [WIFI, BRIDGE]])
def test_without_ethernet_for_the_pvs_the_hint_names_an_adapter(
    interfaces: list[Interface],
) -> None:
    with pytest.raises(IssueError, match="no Ethernet interface for the PVS") as error:
        choose(interfaces)
    assert "adapter" in error.value.issue.hint


def test_the_second_port_of_a_pvs_is_known() -> None:
    port = Interface("eth0", ["172.27.152.2/24"], ["172.27.152.1"], has_cable=True)
    assert port.is_at_pvs
    assert not port.is_at_home
