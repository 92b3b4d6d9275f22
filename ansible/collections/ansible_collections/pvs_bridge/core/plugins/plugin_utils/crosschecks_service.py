"""Cross-checks of what runs on the bridge: ports, timeouts, and values nobody filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
# Whole, in any spelling; within something longer only as the templates spell it, for a
# passphrase may hold the word by chance.
_PLACEHOLDER = re.compile(r"<?(?i:change[-_ ]?me)>?|.*CHANGE[-_]ME.*", re.DOTALL)


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
            cure = "choose another one, such as 80 for the proxy and 8080 for its statistics"
            yield Fault((name,), f"{port} is the port of {taken[int(port)]}", cure)
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


def placeholders_are_filled_in(values: Values) -> Iterator[Fault]:
    """What the inventory's skeleton leaves to a person."""
    for name in values:
        for path in _placeholders(values.get(name), (name,)):
            yield Fault(
                path,
                "is still the placeholder of the template",
                f"put the real value of {variable_name(path)} there",
            )


def _placeholders(value: Any, path: Path) -> Iterator[Path]:  # noqa: ANN401 - any value
    if isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _placeholders(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _placeholders(item, (*path, index))


def _numbers(values: Values, ending: str) -> Iterator[tuple[str, int | float]]:
    """Find variables by the ending that the roles give to all of their kind, defaults first."""
    for name in values:
        value = values.get(name)
        if name.endswith(ending) and isinstance(value, (int, float)):
            yield name, value


# A placeholder first: what else is wrong with it matters to nobody.
CHECKS: tuple[CrossCheck, ...] = (
    placeholders_are_filled_in,
    ports_are_possible,
    ports_differ,
    timeouts_are_positive,
)
