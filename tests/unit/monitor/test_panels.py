"""Weak and dead panels, on generated plants that have a whole year of weather, shade and dirt."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from pvs_bridge.history.day import Day
from pvs_bridge.monitor import panels
from pvs_bridge.monitor.panels import Light, Weak
from pvs_bridge.pvs.devices import Panel

LATITUDE = math.radians(38)
STEP_HOURS = 0.5
SOUTH, EAST, WEST, NORTH = 180.0, 90.0, 270.0, 0.0


@cache
def sun(day: int, hour: float) -> tuple[float, float]:
    """Return height and direction of the sun in degrees."""
    tilt = math.radians(-23.44) * math.cos(2 * math.pi * (day + 10) / 365)
    angle = math.radians(15 * (hour - 12))
    up = math.sin(LATITUDE) * math.sin(tilt) + math.cos(LATITUDE) * math.cos(tilt) * math.cos(angle)
    height = math.asin(up)
    east = -math.cos(tilt) * math.sin(angle)
    north = math.cos(LATITUDE) * math.sin(tilt) - math.sin(LATITUDE) * math.cos(tilt) * math.cos(
        angle
    )
    return math.degrees(height), math.degrees(math.atan2(east, north)) % 360


Shade = Callable[[float, float], float]
"""The part of the sun's direct light that is left, by the height and direction of the sun."""


def chimney(direction: float, width: float) -> Shade:
    """Shade at the time at which the sun stands behind a chimney, at any height."""
    return lambda _, at: 0.0 if abs(at - direction) < width else 1.0


def trees(begin: float, end: float, top: float) -> Shade:
    """Shade of a row of trees while the sun is low, so in winter for most of the day."""
    return lambda height, at: 0.15 if begin < at < end and height < top else 1.0


@dataclass
class Module:
    """A panel on a roof.

    Attributes:
        direction: Where it faces.
        shade: What stands between it and the sun.
        quality: What differs between good panels.
        dirt: The part of the light that dirt takes; rain washes it off.
        collects: How much of that a dry day brings.
    """

    direction: float = SOUTH
    shade: Shade = field(default=lambda _, __: 1.0)
    quality: float = 1.0
    dirt: float = 0.0
    collects: float = 0.0

    def watts(self, day: int, hour: float, clear: float) -> float:
        """Return its power under a sky that lets a part of the direct light through."""
        height, at = sun(day, hour)
        if height <= 0:
            return 0.0
        up, tilt = math.radians(height), math.radians(22)
        turn = math.radians(at - self.direction)
        facing = math.sin(up) * math.cos(tilt) + math.cos(up) * math.sin(tilt) * math.cos(turn)
        beam = 0.85 * math.exp(-0.13 / max(math.sin(up), 0.05)) * clear
        spread = (0.12 + 0.22 * (1 - clear)) * math.sin(up)
        light = beam * max(0.0, facing) * self.shade(height, at) + spread
        return 330 * light * self.quality * (1 - self.dirt)


def plant(seed: int, *sides: tuple[float, int]) -> list[Module]:
    """Make a plant with shade and dirt: a number of panels on each side."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    made = []
    for direction, count in sides:
        for number in range(count):
            module = Module(direction, quality=chance.uniform(0.96, 1.04))
            module.collects = chance.choice((0.0, 0.001, 0.003))
            if number % 8 == 2:
                module.shade = chimney(chance.uniform(140, 220), 12)
            elif number % 8 == 5:
                module.shade = trees(215, 300, 24)
            elif number % 8 == 7:
                module.shade = trees(60, 140, 22)
            made.append(module)
    return made


PLANTS = {
    "south": ((SOUTH, 16),),
    "east and west": ((EAST, 8), (WEST, 8)),
    "a few in the west": ((SOUTH, 12), (WEST, 4)),
    "three sides": ((EAST, 8), (SOUTH, 10), (WEST, 8)),
    "small": ((SOUTH, 6),),
    "some in the north": ((SOUTH, 14), (NORTH, 5)),
}


class Home:
    """A plant whose panels are watched.

    Attributes:
        light: What was seen today.
        days: The history.
        weak: The panels that are weak since the last day.
    """

    def __init__(self, modules: list[Module], seed: int = 1, coast: bool = False) -> None:
        """Set the weather; at a coast, most mornings are foggy."""
        self.modules = modules
        self.coast = coast
        self.chance = random.Random(seed)  # noqa: S311 - weather
        self.serials = [f"P{number:02}" for number in range(len(modules))]
        self.roofs: dict[str, str] = {}
        self.light = Light()
        self.days: list[Day] = []
        self.weak: list[Weak] = []

    def live(
        self, day: int, fault: tuple[float, int, float] | None = None, sunny: bool = False
    ) -> Iterator[float]:
        """Live through a day; yield each time of it, in days.

        Args:
            day: The day of the year.
            fault: When a fault begins, the number of the panel, and what is left of its power.
            sunny: Without a cloud.
        """
        clouds = 0.0 if sunny else self.chance.choice((0.0, 0.05, 0.15, 0.4, 0.8, 0.97))
        step = 4.5
        while step < 20:
            fog = 0.95 if self.coast and step < 11 else 0.0
            clear = 1 - max(fog, clouds * self.chance.uniform(0.3, 1.0))
            shown = []
            for number, module in enumerate(self.modules):
                watts = module.watts(day, step, clear) * self.chance.uniform(0.97, 1.03)
                left = 1.0
                if fault and fault[0] <= day + step / 24 and fault[1] == number:
                    left = fault[2]
                state = "working" if left else "silent"
                shown.append(
                    Panel(self.serials[number], state, round(watts * left) or None, None, None)
                )
            self.light = panels.added(self.light, shown, (day * 24 + step) * 3600)
            yield day + step / 24
            step += STEP_HOURS
        for module in self.modules:
            rained = clouds > 0.9
            module.dirt = 0.0 if rained else min(0.12, module.dirt + module.collects)
        best = panels.best_of(self.light, self.serials, self.roofs)
        self.days.append(Day(f"{day}", day, 0, 0, dict.fromkeys(self.serials, 0), best))
        self.light = panels.next_day(self.light)
        before = [each.serial for each in self.weak]
        self.weak = panels.weak(self.days, before, self.roofs)

    def finds(self, begin: float, number: int, left: float, *, limit_days: int) -> float:
        """Return how many days a fault is not found, which begins at a time of the year in days."""
        for day in range(int(begin) - 6, int(begin)):
            list(self.live(day, sunny=True))
        for day in range(int(begin), int(begin) + limit_days + 1):
            for at in self.live(day, (begin, number, left), sunny=True):
                if [each.serial for each in panels.dead(self.light)] == [self.serials[number]]:
                    return at - begin
            if [each.serial for each in self.weak] == [self.serials[number]]:
                return day + 1 - begin
        pytest.fail(f"not found after {limit_days} days")


@pytest.mark.parametrize(
    ("name", "coast"),
    [("south", False), ("small", True), ("east and west", True), ("three sides", True),
     ("a few in the west", False), ("some in the north", False)],
)  # fmt: skip
def test_a_year_of_weather_shade_and_dirt_gives_no_false_alarm(name: str, coast: bool) -> None:
    home = Home(plant(3, *PLANTS[name]), coast=coast)
    alarms = []
    for day in range(365):
        list(home.live(day))
        alarms += [(day, each) for each in (*home.weak, *panels.dead(home.light))]
    assert alarms == []
    measured = [day for day in home.days if day.best[0] is not None]
    assert len(measured) > 250


@pytest.mark.parametrize("begin", [20.0, 110.3, 200.5, 290.6, 350.5])
@pytest.mark.parametrize("name", ["south", "three sides", "small"])
def test_a_dead_panel_is_found_within_two_days(name: str, begin: float) -> None:
    home = Home(plant(5, *PLANTS[name]))
    assert home.finds(begin, 1, 0.0, limit_days=3) <= 2


@pytest.mark.parametrize("begin", [20.0, 110.3, 200.5, 290.6, 350.5])
@pytest.mark.parametrize("name", PLANTS)
def test_a_panel_with_sixty_percent_is_found_within_a_week(name: str, begin: float) -> None:
    home = Home(plant(5, *PLANTS[name]))
    assert home.finds(begin, 0, 0.6, limit_days=7) <= 7
    (found,) = home.weak
    assert 55 <= found.percent < 75


def test_a_shaded_panel_with_sixty_percent_is_found_in_cloudy_weeks() -> None:
    home = Home(plant(3, *PLANTS["east and west"]), seed=4)
    for day in range(80, 90):
        list(home.live(day, (80, 5, 0.6)))
    assert [each.serial for each in home.weak] == ["P05"]


def test_a_repaired_panel_is_good_again() -> None:
    home = Home(plant(5, *PLANTS["south"]))
    home.finds(110, 0, 0.6, limit_days=7)
    for day in range(120, 126):
        list(home.live(day))
    assert home.weak == []
    home.finds(130, 1, 0.0, limit_days=3)
    list(home.live(134))
    assert panels.dead(home.light) == []


def test_on_a_named_roof_only_its_own_panels_are_neighbours() -> None:
    home = Home(plant(5, (SOUTH, 6), (NORTH, 4)))
    home.roofs = {serial: "north" if serial >= "P06" else "south" for serial in home.serials}
    for day in range(330, 340):
        list(home.live(day, (330, 7, 0.6)))
    assert [each.serial for each in home.weak] == ["P07"]


def test_two_panels_have_no_neighbours() -> None:
    home = Home(plant(5, (SOUTH, 2)))
    for day in range(110, 120):
        list(home.live(day, (110, 0, 0.5)))
    assert home.weak == []


def test_a_panel_that_is_missing_from_the_list_is_not_dead() -> None:
    light = Light()
    shown = [Panel(f"P{number}", "working", 200, None, None) for number in range(4)]
    for step in range(100):
        missing = [Panel("P9", "missing", None, None, None)]
        light = panels.added(light, [*shown, *missing], step * 1800)
    assert panels.dead(light) == []
    assert panels.best_of(light, ["P0", "P9"]) == [100, None]


def test_the_warning_has_figures_and_a_hint() -> None:
    found = [Weak("E1", 61), Weak("E2", 0)]
    (weak, low, hint), (dead, nothing, _) = panels.texts(found, {"E1": "South 3"})
    assert (weak, dead) == ("panel_weak_E1", "panel_dead_E2")
    assert "South 3 (E1) makes 61 % of what its neighbours make" in low
    assert "status_panels" in hint
    assert "E2 has reported no production for 12 hours of sun" in nothing
