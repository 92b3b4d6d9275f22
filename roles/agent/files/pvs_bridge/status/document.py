"""What the page shows, as one object: what the role care has found, with ages in place of clocks.

Serial numbers are left out but for the panels': the end of the PVS's is the password of its owner,
and its meters are numbered like it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOWN_INCIDENTS = 50
_STATE = Path("/run/pvs-bridge-monitor/state.json")
_INCIDENTS = Path("/var/lib/pvs-bridge-monitor/incidents.jsonl")
_OS = Path("/etc/os-release")
_LOST_LOOKS_SECONDS = 900.0
"""A look may wait two minutes for the PVS and take some steps; one that is older is none."""


@dataclass(frozen=True)
class Sources:
    """Where the document comes from.

    Attributes:
        state: what the role care remembers.
        incidents: what it has written down.
        system: what Debian says of itself.
    """

    state: Path = _STATE
    incidents: Path = _INCIDENTS
    system: Path = _OS


class Documents:
    """Makes the document anew when it is asked for; files that have not changed are not read."""

    def __init__(self, sources: Sources) -> None:
        """Read them when they are needed."""
        self._sources = sources
        self._known: dict[Path, tuple[tuple[int, int], str]] = {}
        self._system = _system(sources.system)

    def make(self, now: float, wall: float) -> dict[str, Any]:
        """Return the document; roles/status/README.md describes its keys.

        Args:
            now: seconds since the Pi's start.
            wall: seconds since 1970, as far as the Pi knows.
        """
        state = self._state()
        looked = state.get("looked")
        age = None if looked is None else max(0, round(now - looked))
        links = state.get("links", [])
        broken = next((link for link in links if link["state"] == "broken"), None)
        lost = age is None or age > _LOST_LOOKS_SECONDS
        answers = [link["state"] for link in links if link["link"] == "answer"]
        return {
            "healthy": not lost and broken is None and answers == ["ok"],
            "age_seconds": age,
            "problem": _problem(age, lost, broken),
            "hint": _hint(age, lost, broken),
            "broken_link": broken["link"] if broken else None,
            "chain": links,
            "interface": state.get("interface"),
            "note": state.get("note"),
            "plant": _plant(state, now),
            "day": _day(state, now, wall),
            "warnings": [
                {
                    "name": each["name"],
                    "problem": each["problem"],
                    "hint": each["hint"],
                    "seconds": round(now - each["since"]),
                }
                for each in state.get("warnings", [])
            ],
            "incidents": list(self._incidents()),
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

    def _incidents(self) -> Iterator[dict[str, Any]]:
        """Return the newest ones, the newest first; what a power cut has cut off is left out."""
        for line in reversed(self._read(self._sources.incidents).splitlines()[-SHOWN_INCIDENTS:]):
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


def _problem(age: int | None, lost: bool, broken: Mapping[str, Any] | None) -> str | None:
    if age is None:
        return "The bridge has just started and has not looked around yet."
    if lost:
        return "The program that looks after the bridge has stopped."
    return broken["problem"] if broken else None


def _hint(age: int | None, lost: bool, broken: Mapping[str, Any] | None) -> str | None:
    if age is None:
        return "Wait a minute."
    if lost:
        return "Restart the Pi; systemctl status pvs-bridge-monitor on it tells the reason."
    return broken["hint"] if broken else None


def _plant(state: Mapping[str, Any], now: float) -> dict[str, Any] | None:
    plant = state.get("plant")
    if plant is None:
        return None
    nameless = {
        key: [_without_serial(each) for each in plant[key]]
        for key in ("meters", "storage", "others")
    }
    supervisor = plant["supervisor"]
    return {
        **plant,
        **nameless,
        "supervisor": _without_serial(supervisor) if supervisor else None,
        "age_seconds": round(now - state["read"]),
    }


def _without_serial(device: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in device.items() if key != "serial"}


def _day(state: Mapping[str, Any], now: float, wall: float) -> dict[str, Any]:
    """Return the day's production; its points are read on the Pi's clock of now."""
    points = state.get("points", [])
    energies = [kwh for _, _, kwh in points if kwh is not None]
    return {
        "kwh": round(max(0.0, energies[-1] - energies[0]), 2) if energies else None,
        "points": [[round(wall - (now - at)), watts] for at, watts, _ in points],
    }


def _system(path: Path) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    values = dict(line.partition("=")[::2] for line in lines)
    return values.get("PRETTY_NAME", "").strip('"') or None
