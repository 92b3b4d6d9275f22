"""Cross-checks of what runs on the bridge: ports, timeouts, and values nobody filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import (
    Fault,
    Path,
    variable_name,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import CrossCheck, Values

_PORTS = range(1, 65536)
_SSH_PORT = 22
_DNS_PORT = 53
_ROLLBACK_SECONDS = range(30, 901)
# Whole, in any spelling; within something longer only as the templates spell it, for a
# passphrase may hold the word by chance.
_PLACEHOLDER = re.compile(r"<?(?i:change[-_ ]?me)>?|.*CHANGE[-_]ME.*", re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")


def ports_are_possible(values: Values) -> Iterator[Fault]:
    """TCP has 65,535 of them."""
    for name, port in _numbers(values, "_port"):
        if port not in _PORTS:
            yield Fault((name,), f"{port} is no port", "choose one from 1 to 65535")


def ports_differ(values: Values) -> Iterator[Fault]:
    """Of two programs that want one port only the first gets it."""
    taken = {_SSH_PORT: "the Pi's ssh"}
    if values.get("console_dns_enabled"):
        taken[_DNS_PORT] = "the name server of console_dns_enabled"
    for name, port in _numbers(values, "_port"):
        if _is_off(name, values):
            continue
        if port in taken:
            hint = "choose another one, such as 80 for the proxy and 8080 for its statistics"
            yield Fault((name,), f"{port} is the port of {taken[int(port)]}", hint)
        elif port in _PORTS:
            taken[int(port)] = name


def _is_off(name: str, values: Values) -> bool:
    """Tell by its name whether a port is of a service whose switch is off.

    X_enabled is the switch of X_port, and of every X_..._port.
    """
    switches = [each for each in values if each.endswith("_enabled")]
    return any(
        not values.get(switch) for switch in switches if name.startswith(switch[: -len("enabled")])
    )


def timeouts_are_positive(values: Values) -> Iterator[Fault]:
    """Zero means for ever to some programs and at once to others."""
    for name, seconds in _numbers(values, "_timeout_seconds"):
        if seconds <= 0:
            yield Fault((name,), f"{seconds} is no time to wait", "write seconds, 1 or more")


def the_way_back_has_its_time(values: Values) -> Iterator[Fault]:
    """Too short, and a change that works is undone; too long, and nobody waits for the undo."""
    name = "rollback_timeout_seconds"
    seconds = values.get(name)
    if isinstance(seconds, int) and seconds > 0 and seconds not in _ROLLBACK_SECONDS:
        low, high = _ROLLBACK_SECONDS[0], _ROLLBACK_SECONDS[-1]
        problem = f"{seconds} s is too {'short' if seconds < low else 'long'} a time"
        yield Fault((name,), problem, f"write seconds, {low} to {high}")


def placeholders_are_filled_in(values: Values) -> Iterator[Fault]:
    """What the inventory's skeleton leaves to a person."""
    for name in values:
        for path in _texts(values.get(name), (name,), _PLACEHOLDER.fullmatch):
            yield Fault(
                path,
                "is still the placeholder of the template",
                f"put the real value of {variable_name(path)} there",
            )


def texts_can_be_written(values: Values) -> Iterator[Fault]:
    """YAML can name half a surrogate pair, which is no character, and fits into no file."""
    for name in values:
        for path in _texts(values.get(name), (name,), _HALF.search):
            yield Fault(
                path,
                "has half a character in it, by an escape such as \\ud83d",
                "write the character itself, or its one number, such as \\U0001f600",
            )


def _texts(value: Any, path: Path, fits: Callable[[str], object]) -> Iterator[Path]:  # noqa: ANN401 - any value
    """Find the texts in a value that something fits."""
    if isinstance(value, str) and fits(value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*path, key), fits)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index), fits)


def _numbers(values: Values, ending: str) -> Iterator[tuple[str, int | float]]:
    """Find variables by the ending that the roles give to all of their kind, defaults first."""
    for name in values:
        value = values.get(name)
        if name.endswith(ending) and isinstance(value, (int, float)):
            yield name, value


# A placeholder first: what else is wrong with it matters to nobody.
CHECKS: tuple[CrossCheck, ...] = (
    placeholders_are_filled_in,
    texts_can_be_written,
    ports_are_possible,
    ports_differ,
    timeouts_are_positive,
    the_way_back_has_its_time,
)
