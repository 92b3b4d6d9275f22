"""The document behind the page: the monitor's state, with ages instead of times."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge.errors import Issue
from pvs_bridge.monitor.links import NOT_NEEDED_FOR_ANSWER
from pvs_bridge.monitor.production import Point, begins_late, midnight

SHOWN_EVENTS = 50
_STATE = Path("/run/pvs-bridge-monitor/state.json")
_EVENTS = Path("/var/lib/pvs-bridge-monitor/events.jsonl")
_OS = Path("/etc/os-release")
_STALE_SECONDS = 900.0
"""A run may wait two minutes for the PVS and take some steps; after this time the monitor counts as
stopped."""


@dataclass(frozen=True)
class Sources:
    """The files that the document is made from.

    Attributes:
        state: The monitor's state.
        events: The monitor's events.
        system: The name of the operating system.
    """

    state: Path = _STATE
    events: Path = _EVENTS
    system: Path = _OS


class Documents:
    """Makes the document for each request; reads only files that have changed."""

    def __init__(self, sources: Sources, *, has_live_data: bool = False) -> None:
        """Set the files; the operating system's is read now.

        Args:
            sources: The files.
            has_live_data: Whether the page may read /bridge/live.
        """
        self._sources = sources
        self._has_live_data = has_live_data
        self._known: dict[Path, tuple[tuple[int, int], str]] = {}
        self._system = _system(sources.system)

    def make(self, now: float, wall: float) -> dict[str, Any]:
        """Return the document; roles/status/README.md describes its keys.

        Args:
            now: Seconds since the Pi's start.
            wall: Seconds since 1970 by the Pi's clock.
        """
        state = self._state()
        checked = state.get("checked")
        age = None if checked is None else max(0, round(now - checked))
        links = state.get("links", [])
        broken = next((link for link in links if link["state"] == "broken"), None)
        stale = age is None or age > _STALE_SECONDS
        issue = _issue(age, stale, broken)
        answers = [link["state"] for link in links if link["link"] == "answer"]
        return {
            "healthy": not stale and broken is None and answers == ["ok"],
            "age_seconds": age,
            "problem": issue.problem if issue else None,
            "hint": issue.hint if issue else None,
            "broken_link": broken["link"] if broken else None,
            "links": links,
            "interface": state.get("interface"),
            "live_data": self._has_live_data,
            "note": state.get("note"),
            "plant": _plant(state, now, wall),
            "day": _day(state, now, wall),
            "warnings": [
                {
                    "name": each["name"],
                    "problem": each["problem"],
                    "hint": each["hint"],
                    "severe": each["severe"],
                    "seconds": round(now - each["since"]),
                }
                for each in state.get("warnings", [])
            ],
            "events": list(self._events()),
            "pi": {**state.get("vitals", {}), "up_seconds": round(now)},
            "steps": state.get("steps", {}),
            "versions": {
                "pvs_bridge": state.get("version"),
                "system": self._system,
                "firmware": ((state.get("plant") or {}).get("supervisor") or {}).get("firmware"),
            },
            "time": round(wall) if state.get("time") is not None else None,
        }

    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._read(self._sources.state) or "{}")
        except ValueError:
            return {}
        return state

    def _events(self) -> Iterator[dict[str, Any]]:
        """Yield the newest events, the newest first; skip a line that a power cut has cut off."""
        for line in reversed(self._read(self._sources.events).splitlines()[-SHOWN_EVENTS:]):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found

    def _read(self, path: Path) -> str:
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if path not in self._known or self._known[path][0] != stamp:
                self._known[path] = (stamp, path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return ""
        return self._known[path][1]


def _issue(age: int | None, stale: bool, broken: Mapping[str, Any] | None) -> Issue | None:
    if age is None:
        problem = "The bridge has just started and has not been checked yet."
        return Issue(problem, "Wait a minute.")
    if stale:
        hint = "Restart the Pi. On it, systemctl status pvs-bridge-monitor shows the reason."
        return Issue("The monitor on the bridge has stopped.", hint)
    return Issue(broken["problem"], broken["hint"]) if broken else None


def _plant(state: Mapping[str, Any], now: float, wall: float) -> dict[str, Any] | None:
    plant = state.get("plant")
    # An earlier version wrote no power; the next reading does.
    if plant is None or "power" not in plant:
        return None
    age = now - state["read"]
    unreadable = any(
        link["state"] == "broken" and link["link"] not in NOT_NEEDED_FOR_ANSWER
        for link in state["links"]
    )
    return {
        **plant,
        "age_seconds": round(age),
        "time": None if state.get("time") is None else round(wall - age),
        "current": not unreadable and age <= 2 * state["reading_seconds"],
    }


def _day(state: Mapping[str, Any], now: float, wall: float) -> dict[str, Any]:
    """Return the day's production; its times are by the Pi's clock of now."""
    points = [Point(*each[:2]) for each in state.get("points", [])]
    energy = state.get("energy", {})
    known = state.get("time") is not None
    since = begins_late(points, now, wall) if known else None
    return {
        "kwh": round(energy["kwh"], 2) if energy.get("start") else None,
        "panels": {key: round(kwh * 1000) for key, kwh in energy.get("panels", {}).items()},
        "since": None if since is None else round(since),
        "midnight": round(midnight(wall)) if known else None,
        "utc_offset_seconds": time.localtime(wall).tm_gmtoff if known else None,
        "points": [[round(wall - (now - each.at)), each.watts] for each in points],
    }


def _system(path: Path) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    values = dict(line.partition("=")[::2] for line in lines)
    return values.get("PRETTY_NAME", "").strip('"') or None
