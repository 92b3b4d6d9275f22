"""Rules for the monitor and the status page."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue, variable_name
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules.ranges import (
    PLACES,
    range_issues,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import closest
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.ASCII)
_HTTPS = 443


def check_status_has_monitor(values: Values) -> Iterator[Issue]:
    """The status page shows the results of the monitor and checks nothing itself."""
    if values.get("status_enabled") and values.get("monitor_enabled") is False:
        yield Issue.at(
            ("monitor_enabled",),
            "must be true with status_enabled, because the status page shows the monitor's results",
            "set status_enabled to false as well, or remove this line",
        )


def check_announcement(values: Values) -> Iterator[Issue]:
    """The status role announces the PVS by mDNS."""
    name = "status_announce_pvs"
    if not values.get(name):
        return
    if values.get("status_enabled") is False:
        yield Issue.at((name,), "needs status_enabled", f"set that to true, or {name} to false")
    elif values.get("uplink_mdns") is False:
        yield Issue.at((name,), "needs uplink_mdns", f"set that to true, or {name} to false")
    elif values.get("bridge_mode") == "routed":
        problem = "announces no usable address while bridge_mode is routed"
        yield Issue.at((name,), problem, f"set bridge_mode to both, or {name} to false")
    elif values.get("proxy_https") == "off" or values.get("proxy_https_port") not in (_HTTPS, None):
        # Programs ignore the port of the announcement (pypvs).
        problem = f"leads programs to port {_HTTPS}, where the bridge does not answer"
        hint = f"remove proxy_https and proxy_https_port, or set {name} to false"
        yield Issue.at((name,), problem, hint)


def check_time_zone(values: Values) -> Iterator[Issue]:
    """The C library takes an unknown name for UTC, so a misspelling would shift the days."""
    name = "status_time_zone"
    zone = values.get(name)
    if not isinstance(zone, str) or not zone:
        return
    # A computer without the zones' files cannot tell more than the form.
    known = zoneinfo.available_timezones()
    if _ZONE.fullmatch(zone) and (zone in known or not known):
        return
    guess = closest(zone, known) or "America/Los_Angeles"
    hint = f"write its name as timedatectl list-timezones does, such as {guess}"
    yield Issue.at((name,), f"must be the name of a time zone, got {zone!r}", hint)


def check_panels(values: Values) -> Iterator[Issue]:
    """Two panels cannot lie at one place, and the page draws a place by row and column."""
    name = "status_panels"
    seen: dict[object, int] = {}
    for index, panel in values.mappings(name):
        serial, row, column = (panel.get(key) for key in ("serial", "row", "column"))
        for key, number in (("row", row), ("column", column)):
            if isinstance(number, int) and number:
                yield from range_issues((name, index, key), number, PLACES)
        if bool(row) != bool(column):
            key = "column" if row else "row"
            yield Issue.at((name, index), f"has no {key}", f"add {key}, or remove the other one")
        place = (panel.get("roof") or "", row, column) if row and column else None
        for key, value in (("serial", serial), ("row", place)):
            if value in seen:
                first = variable_name((name, seen[value]))
                what = "this panel" if key == "serial" else "a panel at this place"
                hint = "remove one of them" if key == "serial" else "correct row, column or roof"
                yield Issue.at((name, index, key), f"{first} is {what} too", hint)
            elif value:
                seen[value] = index


RULES: tuple[Rule, ...] = (
    check_status_has_monitor,
    check_announcement,
    check_time_zone,
    check_panels,
)
