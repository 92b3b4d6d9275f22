"""Rules for unattended operation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


def check_update_time(values: Values) -> Iterator[Issue]:
    """It becomes part of a timer and of the time of a restart.

    Without quotes, YAML reads 2:30 as the number 150.
    """
    name = "appliance_updates_time"
    time = values.get(name)
    if isinstance(time, str) and not _TIME.fullmatch(time):
        hint = 'write hours and minutes in quotes, such as "02:30"'
        yield Issue.at((name,), f"must be a time of day, got {time!r}", hint)


def check_read_only_root(values: Values) -> Iterator[Issue]:
    """Everything that is written to a locked root is in memory, swap and journal included."""
    if values.get("appliance_read_only_root") is not True:
        return
    if values.get("appliance_swap") == "card":
        yield Issue.at(
            ("appliance_swap",),
            "must be zram or none with appliance_read_only_root, because swap on the card would be "
            "in memory",
            "set it to zram or none, or set appliance_read_only_root to false",
        )
    if values.get("appliance_volatile_journal") is False:
        yield Issue.at(
            ("appliance_volatile_journal",),
            "must be true with appliance_read_only_root, because the journal would grow in memory "
            "and be lost at a restart",
            "set it to true, or set appliance_read_only_root to false",
        )


RULES: tuple[Rule, ...] = (check_update_time, check_read_only_root)
