"""The page in Chromium, in each size: everything is readable, and only broken things are red.

``PVS_BRIDGE_PICTURES=yes`` updates the pictures of the README.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bridges.status.browser import Browser
from bridges.status.stage import Stage
from unit.monitor.monitored import MonitoredBridge
from unit.status.conftest import ROLE
from unit.status.scenes import SCENES

from pvs_lab.process import wait_until

SIZES = {"phone": (390, 844), "small-phone": (320, 568), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
PICTURES = ROLE / "pictures"
_LOOK = (Path(__file__).parent / "look.js").read_text()
_DRAWN = "return document.querySelector('#main > *, h1.bad') !== null"
_BROKEN = (
    "return [...document.querySelectorAll('.diagram text.broken')].map(each => each.textContent)"
)
_VERDICT = "const it = document.querySelector('h1'); return [it.className, it.textContent]"
_RED = """
const bad = getComputedStyle(document.documentElement).getPropertyValue('--bad').trim();
const probe = document.createElement('p'); probe.style.color = bad; document.body.append(probe);
const red = getComputedStyle(probe).color; probe.remove();
return [...document.body.querySelectorAll('*')].filter(each => {
  const style = getComputedStyle(each);
  return style.color === red || style.stroke === red || style.fill === red;
}).length"""

Show = Callable[..., Browser]


@pytest.fixture
def show(chromium: Browser, shown: Stage, scenes: dict[str, MonitoredBridge]) -> Show:
    """Show a scene in a window."""

    def begin(scene: str | None, size: str = "phone", scheme: str = "light") -> Browser:
        shown.scene = scenes[scene] if scene else None
        chromium.dress(*SIZES[size], scheme)
        chromium.open(shown.url)
        assert wait_until(lambda: bool(chromium.run(_DRAWN)), 10)
        return chromium

    return begin


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_everything_is_readable(show: Show, scene: str, size: str, scheme: str) -> None:
    browser = show(scene, size, scheme)
    assert browser.run(_LOOK) == []
    picture = PICTURES / f"{scene}-{size}-{scheme}.png"
    if os.environ.get("PVS_BRIDGE_PICTURES") and picture.name in (ROLE / "README.md").read_text():
        PICTURES.mkdir(exist_ok=True)
        picture.write_bytes(browser.picture())


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
    figures = browser.run(
        "return [...document.querySelectorAll('.figure')].map(each => each.textContent)"
    )
    assert figures[0].endswith("kWnow")
    assert figures[1].endswith("kWhtoday")
    kinds = "return [...document.querySelectorAll('.tile')].map(each => each.className)"
    assert browser.run(kinds) == [
        "tile silent" if number == 7 else "tile working" for number in range(24)
    ]
    assert show("night").run(kinds) == ["tile asleep"] * 24


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


def test_the_page_links_back_to_the_pvs_when_it_answers(
    show: Show, shown: Stage, scenes: dict[str, MonitoredBridge]
) -> None:
    browser = show("day")
    assert browser.run("return document.querySelector('.button')") is None
    shown.scene = scenes["day"]
    browser.open(shown.url.replace("/bridge/", "/#/login"))
    assert wait_until(lambda: bool(browser.run("return document.querySelector('.button')")), 10)
