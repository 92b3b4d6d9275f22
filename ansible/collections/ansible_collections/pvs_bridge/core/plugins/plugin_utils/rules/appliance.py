"""Cross-checks of what keeps a Pi alive that is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Fault
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import CrossCheck, Values

# Less holds not even a boot; more is missing elsewhere, on a Pi with 512 MiB.
_JOURNAL_MIB = range(8, 513)
_ZRAM_PERCENT = range(10, 101)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


def the_journal_fits_into_memory(values: Values) -> Iterator[Fault]:
    """It is kept there."""
    yield from _within(values, "appliance_journal_mib", _JOURNAL_MIB, "MiB")


def compressed_memory_is_a_part_of_it(values: Values) -> Iterator[Fault]:
    """What does not compress at all takes as much as it was."""
    yield from _within(values, "appliance_zram_percent", _ZRAM_PERCENT, "percent")


def updates_have_a_time_of_the_day(values: Values) -> Iterator[Fault]:
    """It becomes a part of a timer and of a time to restart at.

    YAML reads 2:30 without quotes as a number, 150.
    """
    name = "appliance_updates_time"
    time = values.get(name)
    if isinstance(time, str) and not _TIME.fullmatch(time):
        yield Fault(
            (name,), f"{time!r} is no time", 'write hours and minutes in quotes, such as "02:30"'
        )


def a_locked_root_has_memory_to_spare(values: Values) -> Iterator[Fault]:
    """What a locked root takes from the card is in memory, the swap and the journal as well."""
    if values.get("appliance_read_only_root") is not True:
        return
    if values.get("appliance_swap") == "card":
        yield Fault(
            ("appliance_swap",),
            "would swap into the memory over the locked root",
            "write zram or none, or set appliance_read_only_root to false",
        )
    if values.get("appliance_volatile_journal") is False:
        yield Fault(
            ("appliance_volatile_journal",),
            "would not outlast a restart under a locked root, and grow in its memory",
            "write true, or set appliance_read_only_root to false",
        )


def _within(values: Values, name: str, span: range, unit: str) -> Iterator[Fault]:
    number = values.get(name)
    if isinstance(number, int) and number not in span:
        said = f"{span[0]} to {span[-1]}"
        yield Fault((name,), f"{number} is not within {said}", f"write {unit}, {said}")


CHECKS: tuple[CrossCheck, ...] = (
    the_journal_fits_into_memory,
    compressed_memory_is_a_part_of_it,
    updates_have_a_time_of_the_day,
    a_locked_root_has_memory_to_spare,
)
