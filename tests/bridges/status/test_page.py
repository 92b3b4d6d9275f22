"""The page in Chromium, in each size: everything is readable, and only broken things are red.

``PVS_BRIDGE_PICTURES=yes`` writes a picture of each state into build/pictures, and updates those of
the README.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from bridges.status.conftest import DRAWN, SIZES, Show
from bridges.status.stage import Stage
from unit.monitor.monitored import MonitoredBridge
from unit.status.conftest import ROLE
from unit.status.scenes import SCENES

from pvs_lab.process import wait_until

SCHEMES = ("light", "dark")
PICTURES = ROLE / "pictures"
ALL_PICTURES = ROLE.parents[1] / "build/pictures"
_LOOK = (Path(__file__).parent / "look.js").read_text()
_BROKEN = (
    "return [...document.querySelectorAll('.diagram text.broken')].map(each => each.textContent)"
)
_VERDICT = "const it = document.querySelector('h1'); return [it.className, it.textContent]"
_FIGURES = "return [...document.querySelectorAll('.figure')].map(each => each.textContent)"
_OLD = "return [...document.querySelectorAll('.old h2')].map(each => each.textContent)"
_RED = """
const bad = getComputedStyle(document.documentElement).getPropertyValue('--bad').trim();
const probe = document.createElement('p'); probe.style.color = bad; document.body.append(probe);
const red = getComputedStyle(probe).color; probe.remove();
return [...document.body.querySelectorAll('*')].filter(each => {
  const style = getComputedStyle(each);
  return style.color === red || style.stroke === red || style.fill === red;
}).length"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_everything_is_readable(show: Show, scene: str, size: str, scheme: str) -> None:
    browser = show(scene, size, scheme)
    assert browser.run(_LOOK) == []
    if os.environ.get("PVS_BRIDGE_PICTURES"):
        browser.run("document.querySelector('.roof')?.closest('section').scrollIntoView()")
        name, picture = f"{scene}-{size}-{scheme}.png", browser.picture()
        ALL_PICTURES.mkdir(parents=True, exist_ok=True)
        (ALL_PICTURES / name).write_bytes(picture)
        if name in (ROLE / "README.md").read_text():
            (PICTURES / name).write_bytes(picture)


@pytest.mark.parametrize(
    ("scene", "verdict", "broken"),
    [
        ("day", "All is well", []),
        ("night", "All is well. The panels are asleep.", []),
        ("locked", "All is well", []),
        ("pvs-down", "The PVS does not send its device list", ["PVS"]),
        ("cable-out", "No signal on the cable to the PVS", ["cable"]),
    ],
)
def test_only_broken_things_are_red(
    show: Show, scenes: dict[str, MonitoredBridge], scene: str, verdict: str, broken: list[str]
) -> None:
    browser = show(scene)
    assert browser.run(_VERDICT) == ["bad" if broken else "good", verdict]
    assert browser.run(_BROKEN) == broken
    events = [each["kind"] for each in scenes[scene].events].count("broken")
    red = browser.run(_RED)
    assert red > 2 + events if broken else red == events


def test_the_hint_is_beside_the_broken_link(show: Show) -> None:
    browser = show("cable-out")
    notice = browser.run("return document.querySelector('.picture .notice').textContent")
    assert "Push both plugs in until they click" in notice


def test_figures_and_panels_are_those_of_the_plant(show: Show) -> None:
    browser = show("day")
    figures = browser.run(_FIGURES)
    words = ["kWproducing", "Wconsuming", "kWexporting", "kWhtoday"]
    assert [each.lstrip("0123456789. ") for each in figures] == words
    kw = [float(each.split()[0]) for each in figures[:3]]
    assert kw[0] == pytest.approx(kw[1] / 1000 + kw[2], abs=0.02)
    kinds = "return [...document.querySelectorAll('.tile')].map(each => each.className)"
    assert browser.run(kinds) == [
        "tile silent" if number == 7 else "tile working" for number in range(24)
    ]
    assert show("night").run(kinds) == ["tile asleep"] * 24


def live(made_kw: float, **params: object) -> bytes:
    """Return a message of the PVS with the power of the panels."""
    message = {"notification": "power", "params": {"pv_p": made_kw, **params}}
    return json.dumps(message).encode()


def test_live_data_replace_the_figures_while_they_come(show: Show, shown: Stage) -> None:
    shown.live = live(1.234, site_load_p=0.5, net_p=-0.734)
    try:
        browser = show("day")
        assert wait_until(lambda: browser.run(_FIGURES)[0] == "1.23 kWproducing, live", 10)
        assert browser.run(_FIGURES)[1:3] == ["500 Wconsuming", "734 Wexporting"]
        # Without a meter for consumption.
        shown.live = live(2.5, site_load_p=None, net_p="nan")
        assert wait_until(lambda: browser.run(_FIGURES)[0] == "2.50 kWproducing, live", 10)
        assert len(browser.run(_FIGURES)) == 2
        assert browser.run("return document.querySelector('h1').className") == "good"
        shown.live = None
        assert wait_until(lambda: browser.run(_FIGURES)[0].endswith("kWproducing"), 20)
        assert len(browser.run(_FIGURES)) == 4
    finally:
        shown.live = None


def test_a_broken_link_hides_live_data(show: Show, shown: Stage) -> None:
    shown.live = live(1.234)
    try:
        browser = show("cable-out")
        heard = "return new Promise(done => setTimeout(() => done(source !== null), 1000))"
        assert browser.run(heard)
        assert not [each for each in browser.run(_FIGURES) if "live" in each or "1.23" in each]
    finally:
        shown.live = None


@pytest.mark.parametrize("scene", ["cable-out", "pvs-down"])
def test_what_was_read_before_a_fault_is_grey_with_its_time(show: Show, scene: str) -> None:
    browser = show(scene)
    production, panels = browser.run(_OLD)
    assert re.search(r"Production 1[12]:\d\d\sAM, \d+ min ago", production)
    assert "min ago" in panels
    tiles = "return [...document.querySelectorAll('.tile')].map(e => getComputedStyle(e).color)"
    quiet = "return getComputedStyle(document.querySelector('.quiet')).color"
    assert set(browser.run(tiles)) == {browser.run(quiet)}
    title = browser.run("return document.title")
    assert (title[0], "kW" in title) == ("✕", False)
    assert show("day").run(_OLD) == []


def test_a_battery_has_its_figures_and_modules(show: Show) -> None:
    browser = show("battery")
    section = (
        "[...document.querySelectorAll('section')].find(e => e.innerText.startsWith('Battery'))"
    )
    text = browser.run(f"return {section}.innerText")
    assert re.search(r"^Battery self consumption\n+\d+ %\n+charged\n+\d+ W\n+discharging", text)
    assert text.count("Module") == 2


def test_named_panels_lie_as_on_the_roof(show: Show) -> None:
    browser = show("roof")
    tiles = browser.run(
        "return [...document.querySelectorAll('.roof .tile')].map(e => {"
        "const box = e.getBoundingClientRect(); return [e.lastChild.textContent, box.x, box.y]})"
    )
    at = {name: (x, y) for name, x, y in tiles}
    assert len(at) == 22
    assert at["S1"][0] < at["S2"][0] == at["S7"][0]
    assert at["S1"][1] == at["S2"][1] < at["S7"][1]
    heads = "return [...document.querySelectorAll('h3')].map(e => e.textContent)"
    assert browser.run(heads) == ["West", "South"]
    notice = browser.run("return document.querySelector('.notice.warn').textContent")
    assert "Panel S4 (E00121000000004) makes 61 %" in notice


def test_the_first_minute_is_neither_good_nor_bad(show: Show) -> None:
    browser = show("just-started")
    assert browser.run(_VERDICT) == ["", "The bridge has just started"]
    assert browser.run(_RED) == 0


def test_a_day_that_is_not_whole_says_since_when(show: Show) -> None:
    browser = show("afternoon")
    assert re.fullmatch(r"[\d.]+ kWhsince 12:00\sPM", browser.run(_FIGURES)[-1])


def test_a_bridge_in_another_time_zone_says_so(
    show: Show, shown: Stage, scenes: dict[str, MonitoredBridge]
) -> None:
    assert "time zone" not in show("day").run("return document.body.innerText")
    shown.scene = scenes["day"]
    document = json.loads(shown.document() or b"")
    document["day"]["utc_offset_seconds"] = 19_800
    shown.fixed = json.dumps(document).encode()
    try:
        text = show("day").run("return document.body.innerText")
    finally:
        shown.fixed = None
    assert re.search(r"The bridge.s time zone is UTC\+5:30, this device.s is UTC.7\.", text)


def test_in_place_of_an_error_only_a_newer_check_is_good(show: Show, shown: Stage) -> None:
    browser = show("day")
    browser.open(shown.url.replace("/bridge/", "/cgi-bin/dl_cgi?Command=DeviceList"))
    assert wait_until(lambda: bool(browser.run(DRAWN)), 10)
    assert browser.run(_VERDICT) == ["bad", "The PVS gives no answer"]
    assert browser.run("return document.querySelector('.button')") is None
    shown.later_seconds = 0
    try:
        good = ["good", "All is well"]
        assert wait_until(lambda: browser.run(_VERDICT) == good, 10)
        assert browser.run("return document.querySelector('.button')")
    finally:
        shown.later_seconds = 20


def test_data_from_the_pvs_stays_text(show: Show, scenes: dict[str, MonitoredBridge]) -> None:
    day = scenes["day"]
    before = day.paths.state.read_bytes()
    day.paths.state.write_bytes(before.replace(b"Build 61707", b"<img id='evil' src=x>"))
    try:
        browser = show("day")
        assert browser.run("return document.querySelector('#evil')") is None
        assert "<img id='evil'" in browser.run("return document.body.textContent")
    finally:
        day.paths.state.write_bytes(before)


def test_the_page_says_when_the_bridge_does_not_answer(show: Show) -> None:
    browser = show(None)
    assert browser.run(_VERDICT) == ["bad", "The bridge does not answer"]
    assert browser.run(_LOOK) == []
