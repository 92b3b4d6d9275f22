"""The text of the report that the Pi writes to the boot partition."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = "pvs-bridge-report.txt"
_WIDTH = 96


@dataclass
class Facts:
    """The content of the report.

    Attributes:
        verdict: The first line.
        written: The time and the version.
        hostname: The Pi's hostname.
        user: The user who can log in by SSH; empty if there is none.
        addresses: By interface, with prefix lengths.
        read: What each file configures.
        rejected: The issues, with file, line and hint.
        notes: Further information.
        health: The text of the health check; empty before it has run.
    """

    verdict: str
    written: str
    hostname: str
    user: str = ""
    addresses: Mapping[str, Iterable[str]] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    health: str = ""


def report(facts: Facts) -> str:
    """Return the report, with the line ends that Windows needs."""
    addresses = [
        f"{name}  {', '.join(each) or 'none'}" for name, each in sorted(facts.addresses.items())
    ]
    reach = [f"http://{facts.hostname}.local/cgi-bin/dl_cgi?Command=DeviceList"]
    if facts.user:
        reach.append(f"ssh {facts.user}@{facts.hostname}.local")
    sections = [
        ("Settings that could not be used", facts.rejected),
        ("Notes", facts.notes),
        ("Addresses of the Pi", addresses),
        ("Access from the home network", reach),
        ("Files that were read", facts.read or ["none: the boot partition has no configuration"]),
    ]
    lines = [*_wrapped(facts.verdict, ""), "", facts.written]
    for title, items in sections:
        if items:
            lines += ["", title]
            for item in items:
                lines += _wrapped(item, "  ")
    if facts.health:
        lines += ["", "Health check", *(f"  {line}".rstrip() for line in facts.health.splitlines())]
    return "".join(f"{line}\r\n" for line in lines)


def networks(variables: Mapping[str, Any]) -> str:
    """Return the names of the configured Wi-Fi networks."""
    listed = variables.get("uplink_networks") or []
    return ", ".join(str(each.get("ssid", "?")) for each in listed if isinstance(each, dict))


def _wrapped(text: str, indent: str) -> list[str]:
    # A URL or a long name must stay in one piece.
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_long_words=False, break_on_hyphens=False,
    ) or [""]  # fmt: skip
