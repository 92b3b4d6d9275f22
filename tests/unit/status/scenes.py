"""Scenes for the page, made by the real monitor."""

from __future__ import annotations

import dataclasses
import json
import math
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.monitored import MonitoredBridge

from pvs_bridge.history import store
from pvs_bridge.history.day import Day
from pvs_bridge.host.probe import Signal
from pvs_sim.devices import storage, storage_report
from pvs_sim.plant import Plant, Reading
from pvs_sim.sun import Site

ZONE = "America/Los_Angeles"
_PANELS = 24
_SUNRISE, _SUNSET = 5.7, 20.3
_STEP_SECONDS = 300
_MIDNIGHT = 1_782_025_200.0
"""That of June 21 in ZONE, in seconds since 1970; independent of this machine's zone."""


def write(root: Path, name: str, text: str) -> None:
    """Write a file of the kernel."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def midnight() -> float:
    """Return the midnight before June 21 in ZONE, in seconds since 1970."""
    return time.mktime((2026, 6, 21, 0, 0, 0, 0, 0, -1))


def sun(hour: float) -> float:
    """Return the light of the sun, from 0 to 1, with some clouds."""
    if not _SUNRISE < hour < _SUNSET:
        return 0.0
    cloud = 0.82 + 0.18 * math.sin(hour * 3.1) * math.sin(hour * 7.3 + 1)
    height = math.sin((hour - _SUNRISE) / (_SUNSET - _SUNRISE) * math.pi)
    return float(height**1.3 * cloud)


def plant(hour: float, kwh: float, count: int = _PANELS) -> list[dict[str, Any]]:
    """Return the devices of a plant at an hour of the day."""
    high = sun(hour)
    devices: list[dict[str, Any]] = make_devices(count, night=high < 0.01)
    panels = [each for each in devices if each["DEVICE_TYPE"] == "Inverter"]
    total = 0.0
    for number, panel in enumerate(panels):
        if panel["STATE"] == "working":
            kw = round(0.318 * high * (0.9 + 0.1 * math.sin(number * 2.7)), 4)
            panel["p_3phsum_kw"] = f"{kw}"
            total += kw
    if high > 0.2:
        panels[7].clear()
        panels[7] |= {"DEVICE_TYPE": "Inverter", "SERIAL": "E00121000000008", "STATE": "error"}
    devices[0] |= {"dl_uptime": f"{round(400_000 + hour * 3600)}", "dl_flash_avail": "98304"}
    devices[1] |= {"p_3phsum_kw": f"{total:.4f}", "net_ltea_3phsum_kwh": f"{20_000 + kwh:.4f}"}
    grid = {"subtype": "NET_CONSUMPTION_LOADSIDE", "p_3phsum_kw": f"{0.7 - total:.4f}"}
    devices[2] |= grid
    return devices


def stored(hour: float, modules: int) -> Reading:
    """Return a reading of the simulated PVS with a battery, at an hour in ZONE."""
    site = Site(1, 36.7, -119.8, daylight=False)
    return Plant(site, 1, battery_modules=modules).read(_MIDNIGHT + hour * 3600)


def live(
    bridge: MonitoredBridge,
    until: float,
    *,
    begin_hour: float = 0.0,
    by: str | None = None,
    count: int = _PANELS,
    modules: int = 0,
) -> None:
    """Run the monitor for a part of the day.

    Args:
        bridge: The bridge.
        until: The hour of the end.
        begin_hour: The hour of the start.
        by: The header Via of the answers.
        count: The number of panels.
        modules: The number of modules of the battery.
    """
    bridge.now = 7 * 86_400.0
    bridge.clock_offset = midnight() - bridge.now
    headers = {"via": by} if by else {}
    kwh = 0.0
    for step in range(round(until * 3600 / _STEP_SECONDS)):
        hour = step * _STEP_SECONDS / 3600
        kwh += sum(float(each.get("p_3phsum_kw", 0)) for each in plant(hour, 0, count)[3:]) / 12
        if hour < begin_hour:
            continue
        devices, bodies = plant(hour, kwh, count), []
        if modules:
            reading = stored(hour, modules)
            if reading.battery:
                devices += storage(reading, reading.battery, "2026,06,21,20,00,00")
            bodies = [json.dumps(storage_report(reading)).encode()]
        bodies = [make_body(devices), *bodies]
        bridge.probe.answers = [make_reply(body=each, headers=headers) for each in bodies]
        bridge.now = 7 * 86_400.0 + hour * 3600
        bridge.run()


def remember(
    bridge: MonitoredBridge, panels: int, days: int, weak: Mapping[int, int] | None = None
) -> None:
    """Give the bridge a history until yesterday, with weather and seasons.

    Args:
        bridge: The bridge.
        panels: The number of panels.
        days: The number of days.
        weak: Panels that produce less than their neighbours, in percent.
    """
    best = [(weak or {}).get(number, 99) for number in range(panels)]
    weather = random.Random(7)  # noqa: S311 - not a secret
    found = []
    for back in range(1, days + 1):
        began = time.mktime((2026, 6, 21 - back, 0, 0, 0, 0, 0, -1))
        season = 0.62 + 0.38 * math.cos(back / 366 * 2 * math.pi)
        bright = season * weather.choice((1, 0.97, 0.94, 0.9, 0.7, 0.35))
        watts = [round(318 * panels * bright * sun(slot / 6)) for slot in range(34, 122)]
        usual = sum(watts) / 6 / panels
        made = [usual * (0.95 + 0.1 * weather.random()) * percent / 99 for percent in best]
        serials = {f"E0012100{number + 1:07}": round(wh) for number, wh in enumerate(made)}
        day = time.strftime("%Y-%m-%d", time.localtime(began))
        total = sum(serials.values())
        start = round(began)
        found.append(Day(day, start, start, total, serials, best, first_slot=34, watts=watts))
    store.add(bridge.paths.history, found)


def begin(folder: Path) -> MonitoredBridge:
    """Make a bridge on a healthy Pi."""
    folder.mkdir()
    bridge = MonitoredBridge(folder)
    root = bridge.paths.root
    write(root, "sys/class/thermal/thermal_zone0/temp", "52300")
    write(root, "sys/devices/platform/soc/soc:firmware/get_throttled", "0x0")
    write(root, "proc/meminfo", "MemAvailable:  214000 kB")
    wireless = " wlan0: 0000   60.  -58.  -256        0      0      0      0      9        0\n"
    write(root, "proc/net/wireless", wireless)
    return bridge


def day(folder: Path) -> MonitoredBridge:
    """Make a sunny afternoon after a night without Wi-Fi."""
    bridge = begin(folder)
    live(bridge, 2.0)
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.probe.answers = [make_reply(body=make_body(plant(2.0, 0.0)))]
    bridge.minutes(4)
    bridge.probe.signals["wlan0"] = Signal.UP
    bridge.minutes(1)
    live(bridge, 13.6, begin_hour=2.25)
    remember(bridge, _PANELS, 200)
    return bridge


def afternoon(folder: Path) -> MonitoredBridge:
    """Make an afternoon of a bridge that was installed at noon."""
    bridge = begin(folder)
    live(bridge, 15.0, begin_hour=12.0)
    return bridge


def night(folder: Path) -> MonitoredBridge:
    """Make a late evening."""
    bridge = begin(folder)
    live(bridge, 22.5)
    return bridge


def pvs_down(folder: Path) -> MonitoredBridge:
    """Make a noon at which the PVS restarts."""
    bridge = begin(folder)
    live(bridge, 12.0)
    bridge.probe.answers = [make_reply(503, b"", server=None) for _ in range(9)]
    bridge.now += 300
    bridge.minutes(5)
    return bridge


def locked(folder: Path) -> MonitoredBridge:
    """Make a morning with firmware that has closed the old API."""
    bridge = begin(folder)
    live(bridge, 9.5, by="1.1 pvs-bridge-compat")
    return bridge


def cable_out(folder: Path) -> MonitoredBridge:
    """Make a noon with an unplugged cable, on a Pi that is hot and has low voltage."""
    bridge = begin(folder)
    live(bridge, 12.0)
    bridge.probe.answers = []
    write(bridge.paths.root, "sys/class/thermal/thermal_zone0/temp", "81300")
    write(bridge.paths.root, "sys/devices/platform/soc/soc:firmware/get_throttled", "0x50005")
    bridge.probe.signals["eth0"] = Signal.NONE
    bridge.minutes(14)
    return bridge


def battery(folder: Path) -> MonitoredBridge:
    """Make an evening of a home with a SunVault."""
    bridge = begin(folder)
    live(bridge, 19.0, begin_hour=18.0, modules=2)
    return bridge


def roof(folder: Path) -> MonitoredBridge:
    """Make a noon of a plant with named panels on two sides of a roof, one of them weak."""
    bridge = begin(folder)
    panels = [
        {
            "serial": f"E0012100{number + 1:07}",
            "name": f"{side[0]}{number % 12 + 1}",
            "roof": side,
            "row": number % 12 // 6 + 1,
            "column": number % 6 + 1 + number % 12 // 6,
        }
        for number in range(22)
        for side in ("South" if number < 12 else "West",)
    ]
    bridge.config = dataclasses.replace(bridge.config, panels=panels)
    remember(bridge, _PANELS, 40, weak={3: 61})
    live(bridge, 13.6)
    return bridge


def year(folder: Path) -> MonitoredBridge:
    """Make a noon of a large plant after a year."""
    bridge = begin(folder)
    live(bridge, 12.0, count=60)
    remember(bridge, 60, 366)
    return bridge


def just_started(folder: Path) -> MonitoredBridge:
    """Make a Pi before the first run of the monitor."""
    return begin(folder)


SCENES: dict[str, Callable[[Path], MonitoredBridge]] = {
    "day": day,
    "afternoon": afternoon,
    "night": night,
    "pvs-down": pvs_down,
    "locked": locked,
    "cable-out": cable_out,
    "battery": battery,
    "roof": roof,
    "year": year,
    "just-started": just_started,
}
