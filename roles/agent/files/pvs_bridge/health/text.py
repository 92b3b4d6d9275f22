"""The report of the health check as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from pvs_bridge.health.outcomes import BROKEN, LINKS, OK
from pvs_bridge.health.report import Report
from pvs_bridge.pvs.devices import Plant, Supervisor, panels_text, plant_data
from pvs_bridge.text import clean, duration, table

WIDTH = 80
NARROWEST = 40
COLOURS = {OK: "32", BROKEN: "31"}
OTHER_COLOUR = "33"


def plant_text(plant: Plant) -> str:
    """Return the plant as tables."""
    parts = [_supervisor_text(plant.supervisor)]
    if plant.meters:
        meters = [
            (meter.kind, _number(meter.kw, 3), _number(meter.kwh, 1)) for meter in plant.meters
        ]
        parts.append(table(("Meter", "kW", "kWh"), meters, right=(1, 2)))
    for title, devices in (("Battery", plant.storage), ("Other device", plant.others)):
        if devices:
            rows = [(device.kind, clean(device.serial), device.state) for device in devices]
            parts.append(table((title, "Serial", "State"), rows))
    if plant.panels:
        panels = [
            (
                clean(panel.serial),
                panel.state,
                _number(panel.watts),
                _number(panel.lifetime_kwh, 1),
                _number(panel.heatsink_c),
            )
            for panel in plant.panels
        ]
        parts.append(table(("Panel", "State", "W", "kWh", "°C"), panels, right=(2, 3, 4)))
    parts.append("\n".join(filter(None, [f"Total: {plant.total}", _remark(plant)])))
    return "\n\n".join(parts)


def _supervisor_text(pvs: Supervisor | None) -> str:
    if pvs is None:
        return "The device list has no entry for the PVS itself."
    uptime = "unknown" if pvs.uptime_seconds is None else duration(pvs.uptime_seconds)
    lines = (
        ("Supervisor", pvs.model),
        ("Firmware", pvs.firmware),
        ("Up for", uptime),
    )
    return "\n".join(f"{name:<12}{value}" for name, value in lines)


def _remark(plant: Plant) -> str:
    if plant.missing:
        return (
            f"{panels_text(plant.missing)} missing from the PVS's list:\n"
            "normal for minutes to days after a restart of the PVS."
        )
    silent = sum(panel.state == "silent" for panel in plant.panels)
    if silent:
        return (
            f"{panels_text(silent)} without readings: normal at dawn and dusk\n"
            "and for panels without power."
        )
    if plant.panels and not plant.working:
        return "Normal at night and for panels without power."
    return ""


def _number(value: float | None, places: int = 0) -> str:
    if value is None:
        return "-"
    return f"{round(value, places) + 0.0:.{places}f}"  # adding 0.0 turns -0.0 into 0.0


def report_data(report: Report) -> dict[str, Any]:
    """Return the report as --json prints it; roles/health/README.md describes the keys."""
    broken, issue = report.broken, report.issue
    return {
        "healthy": report.healthy,
        "broken_link": broken.name if broken else None,
        "outcome": broken.outcome if broken else None,
        "problem": issue.problem if issue else None,
        "hint": issue.hint if issue else None,
        "links": [
            {
                "link": link.name,
                "title": LINKS[link.name],
                "state": link.state,
                "seen": link.seen,
                "outcome": link.outcome,
            }
            for link in report.links
        ],
        "interface": report.interface,
        "note": report.note,
        "plant": plant_data(report.plant) if report.plant else None,
        "proxy_port": report.config.proxy_port,
        "proxy_serves_home": report.config.proxy_serves_home,
        "seconds": report.seconds,
        "text": report_text(report, WIDTH),
    }


def report_text(report: Report, width: int, *, colours: bool = False) -> str:
    """Return links and verdict, then the plant if there is one."""
    width = max(NARROWEST, min(width, 100))
    parts = [links_text(report, width, colours=colours), verdict_text(report, width)]
    if report.healthy and report.plant:
        parts.append(plant_text(report.plant))
    return "\n\n".join(parts)


def links_text(report: Report, width: int, *, colours: bool = False) -> str:
    """Return the links as a table; the last column is wrapped."""
    first = max(len(title) for title in LINKS.values())
    second = len("unknown")
    last = width - first - second - 4
    lines = [
        f"{'Link':<{first}}  {'State':<{second}}  Seen",
        f"{'─' * first}  {'─' * second}  {'─' * last}",
    ]
    for link in report.links:
        state = f"{link.state:<{second}}"
        if colours:
            state = f"\x1b[{COLOURS.get(link.state, OTHER_COLOUR)}m{state}\x1b[0m"
        seen = textwrap.wrap(link.seen, last) or [""]
        lines.append(f"{LINKS[link.name]:<{first}}  {state}  {seen[0]}".rstrip())
        lines += [" " * (first + second + 4) + more for more in seen[1:]]
    return "\n".join(lines)


def verdict_text(report: Report, width: int) -> str:
    """Return problem and hint, or that the bridge is healthy, with a note if there is one."""
    if report.issue is None:
        healthy = f"Healthy, checked in {report.seconds:.1f} s."
        return "\n".join([healthy, *_filled([("Note:", report.note)], width)])
    lines = [("Problem:", report.issue.problem), ("Hint:", report.issue.hint)]
    return "\n".join(_filled(lines, width))


def _filled(texts: Sequence[tuple[str, str | None]], width: int) -> list[str]:
    return [
        textwrap.fill(text, width, initial_indent=f"{name:<9}", subsequent_indent=" " * 9)
        for name, text in texts
        if text is not None
    ]
