"""Rules for ports, placeholders and invalid characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    Issue,
    Path,
    variable_name,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules.ranges import PORTS
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import SECRET_WORDS
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

_SSH_PORT = 22
_DNS_PORT = 53
# Ports of other machines.
_ELSEWHERE = ("ansible_port", "mqtt_port")
# Any spelling if it is the whole text; within a longer text only the template's own spelling,
# because a passphrase may contain the word.
_PLACEHOLDER = re.compile(r"<?(?i:change[-_ ]?me)>?|.*CHANGE[-_]ME.*", re.DOTALL)
# A text in quotes of one kind, straight or typographic.
_QUOTED = re.compile(
    "([\"']).*\\1|[\u201c\u201e].*[\u201d\u201c]|[\u2018\u201a].*[\u2019\u2018]|\xab.*\xbb",
    re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_ports_differ(values: Values) -> Iterator[Issue]:
    """Two programs cannot listen on one port."""
    taken = {_SSH_PORT: "the Pi's SSH server"}
    if values.get("console_dns_enabled"):
        taken[_DNS_PORT] = "the DNS server of console_dns_enabled"
    for name, port in values.numbers("_port"):
        if name in _ELSEWHERE or _is_off(name, values):
            continue
        if port in taken:
            hint = "use another port, such as 80 for the proxy and 8080 for its statistics"
            yield Issue.at((name,), f"{port} is already used by {taken[int(port)]}", hint)
        elif port in PORTS:
            taken[int(port)] = name


def _is_off(name: str, values: Values) -> bool:
    """Return whether a port belongs to a service that is switched off.

    X_enabled is the switch of X_port and of every X_..._port, and X is the one of X_port.
    """
    choice = name.removesuffix("_port")
    if values.get(choice) == "off" or values.is_wrong(choice):
        return True
    switches = [each for each in values if each.endswith("_enabled")]
    return any(
        not values.get(switch) for switch in switches if name.startswith(switch[: -len("enabled")])
    )


def check_placeholders(values: Values) -> Iterator[Issue]:
    """`make init` writes CHANGE-ME for values that it cannot find out."""
    for name in values:
        for path in _matching_texts(values.get(name), (name,), _PLACEHOLDER.fullmatch):
            yield Issue.at(
                path,
                "still contains the placeholder of the template",
                f"replace it by the real value of {variable_name(path)}",
            )


def check_characters(values: Values) -> Iterator[Issue]:
    r"""YAML's escape \ud83d is half of a surrogate pair, which no file can store."""
    for name in values:
        for path in _matching_texts(values.get(name), (name,), _SURROGATE.search):
            yield Issue.at(
                path,
                "contains half of a surrogate pair, from an escape such as \\ud83d",
                "write the character itself, or its code point, such as \\U0001f600",
            )


def check_quotes(values: Values) -> Iterator[Issue]:
    """Quotes within quotes belong to a secret, and INI files and .env files keep some quotes."""
    for name in values:
        for path in _matching_texts(values.get(name), (name,), _QUOTED.fullmatch):
            if str(path[-1]).rpartition("_")[2] in SECRET_WORDS:
                yield Issue.at(
                    path,
                    "begins and ends with a quote, which is part of the secret",
                    "remove these quotes; if they really belong to a Wi-Fi passphrase, write the "
                    "output of wpa_passphrase as psk: instead",
                )


def _matching_texts(value: Any, path: Path, matches: Callable[[str], object]) -> Iterator[Path]:  # noqa: ANN401 - any value
    """Find the strings in a value that match."""
    if isinstance(value, str) and matches(value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _matching_texts(item, (*path, key), matches)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _matching_texts(item, (*path, index), matches)


# Placeholders come first, because they hide all other issues of a value.
RULES: tuple[Rule, ...] = (
    check_placeholders,
    check_characters,
    check_quotes,
    check_ports_differ,
)
