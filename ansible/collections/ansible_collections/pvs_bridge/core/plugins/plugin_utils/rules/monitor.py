"""Cross-checks of what looks after the bridge, and of what shows how it is."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Fault
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import CrossCheck, Values

_RANGES = {
    "monitor_interval_seconds": range(20, 3601),
    "monitor_list_seconds": range(60, 86_401),
    "monitor_temperature_celsius": range(40, 101),
    "monitor_signal_dbm": range(-100, -29),
    "monitor_card_free_mib": range(100_001),
    "monitor_pvs_flash_free_mib": range(1001),
}


def limits_are_within_their_range(values: Values) -> Iterator[Fault]:
    """Beyond it, a warning stands for ever or never comes, and a look comes too late."""
    for name, possible in _RANGES.items():
        number = values.get(name)
        if isinstance(number, int) and number not in possible:
            span = f"{possible[0]} to {possible[-1]}"
            yield Fault((name,), f"{number} is not within {span}", f"write a number, {span}")


def the_page_has_something_to_show(values: Values) -> Iterator[Fault]:
    """It shows what the role care has found, and looks at nothing by itself."""
    if values.get("status_enabled") and values.get("monitor_enabled") is False:
        yield Fault(
            ("monitor_enabled",),
            "is false, and without it the page of status_enabled has nothing to show",
            "set status_enabled to false as well, or remove this",
        )


def the_announcement_has_a_voice(values: Values) -> Iterator[Fault]:
    """The PVS is announced by mDNS, and the page's role has it announced."""
    name = "status_announce_pvs"
    if not values.get(name):
        return
    if values.get("status_enabled") is False:
        yield Fault((name,), "needs status_enabled", f"set that to true, or {name} to false")
    elif values.get("uplink_mdns") is False:
        yield Fault((name,), "needs uplink_mdns", f"set that to true, or {name} to false")
    elif values.get("bridge_mode") == "routed":
        problem = "leads nobody to the PVS while bridge_mode is routed"
        yield Fault((name,), problem, f"set bridge_mode to both, or {name} to false")


CHECKS: tuple[CrossCheck, ...] = (
    limits_are_within_their_range,
    the_page_has_something_to_show,
    the_announcement_has_a_voice,
)
