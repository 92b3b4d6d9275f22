"""The report's text: plain words for whoever reads the card on another computer."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = "pvs-bridge-report.txt"
_WIDTH = 96


@dataclass
class Facts:
    """What the report tells.

    Attributes:
        verdict: the first line.
        written: when, by which version.
        hostname: of the Pi.
        user: who logs in; empty where nobody is known to.
        addresses: by interface, with prefix lengths.
        read: which file says what.
        left_out: mistakes with file, line, problem and hint.
        notes: what else a person should know.
        health: the health check's own text; empty before it has run.
    """

    verdict: str
    written: str
    hostname: str
    user: str = ""
    addresses: Mapping[str, Iterable[str]] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    health: str = ""


def report(facts: Facts) -> str:
    """Write the report, with the line ends that Windows wants."""
    addresses = [
        f"{name}  {', '.join(each) or 'none'}" for name, each in sorted(facts.addresses.items())
    ]
    reach = [f"http://{facts.hostname}.local/cgi-bin/dl_cgi?Command=DeviceList"]
    if facts.user:
        reach.append(f"ssh {facts.user}@{facts.hostname}.local")
    sections = [
        ("What was left out, and why", facts.left_out),
        ("Notes", facts.notes),
        ("Addresses of the Pi", addresses),
        ("How to reach it from the home network", reach),
        ("What was read", facts.read or ["nothing: no file on the card describes the bridge"]),
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
    """Name the Wi-Fi networks of a description."""
    listed = variables.get("uplink_networks") or []
    return ", ".join(str(each.get("ssid", "?")) for each in listed if isinstance(each, dict))


def _wrapped(text: str, indent: str) -> list[str]:
    # A URL, or a long name, is of no use in two pieces.
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_long_words=False, break_on_hyphens=False,
    ) or [""]  # fmt: skip
