"""Sun, house and battery as closed curves, so that energy is exactly the area under power."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .spread import spread, spread_between

EPOCH = 1_735_689_600.0
"""2025-01-01T00:00:00Z: energies are counted from here, and a little is there already."""

DAY = 86400.0
FAINT = 0.003
"""Below this share of full sun the inverters sleep."""


@dataclass(frozen=True)
class Site:
    """What the curves depend on.

    Attributes:
        latitude: Degrees north.
        longitude: Degrees east.
        daylight: The sun never sets.
        epoch: Energies are counted from here, in seconds since 1970.
    """

    seed: int
    latitude: float
    longitude: float
    daylight: bool = False
    epoch: float = EPOCH


def hump(hour: float, begin: float, length: float) -> float:
    """Return the height (0 to 1) of a smooth hump over `length` hours from `begin`."""
    x = (hour - begin) / length
    return math.sin(math.pi * x) ** 2 if 0 < x < 1 else 0.0


def hump_area(hour: float, begin: float, length: float) -> float:
    """Return the area under the hump up to `hour`, in hours; the whole has `length / 2`."""
    x = min(1.0, max(0.0, (hour - begin) / length))
    return length * (x / 2 - math.sin(2 * math.pi * x) / (4 * math.pi))


class Sun:
    """How strongly the sun shines on the panels, from 0 to 1."""

    def __init__(self, site: Site) -> None:
        """Prepare the curve for a site."""
        self._site = site
        self._before = [0.0]
        self._days: dict[int, tuple[float, float]] = {}
        self._skies: dict[int, float] = {}

    def local(self, at: float) -> tuple[int, float]:
        """Return the day since the epoch and the hour (0 to 24) by the sun."""
        seconds = at - self._site.epoch + self._site.longitude * 240
        return int(seconds // DAY), (seconds % DAY) / 3600

    def strength(self, at: float) -> float:
        """Return the share of full sun at an instant."""
        day, hour = self.local(at)
        if self._site.daylight:
            return self._weather(day) * (0.9 + 0.1 * math.cos(math.pi * (hour - 12) / 12))
        return self._weather(day) * hump(hour, *self._day(day))

    def hours(self, at: float) -> float:
        """Return the hours of full sun since the epoch."""
        day, hour = self.local(at)
        return self._before_day(day) + self._within(day, hour)

    def awake(self, at: float) -> bool:
        """Tell whether the inverters run."""
        return self.strength(at) >= FAINT

    def last_dusk(self, at: float) -> float:
        """Return the last instant, not after `at`, at which the inverters fell asleep."""
        day, hour = self.local(at)
        if hour < self._dusk(day):
            day -= 1
        return self._site.epoch + day * DAY + self._dusk(day) * 3600 - self._site.longitude * 240

    def _dusk(self, day: int) -> float:
        begin, length = self._day(day)
        return begin + length * (1 - math.asin(math.sqrt(FAINT / self._weather(day))) / math.pi)

    def _day(self, day: int) -> tuple[float, float]:
        """Return the hour of sunrise and the length of a day, in hours."""
        if day not in self._days:
            self._days[day] = self._sunrise(day)
        return self._days[day]

    def _sunrise(self, day: int) -> tuple[float, float]:
        tilt = -23.44 * math.cos(2 * math.pi * (day + 11) / 365.25)
        angle = -math.tan(math.radians(self._site.latitude)) * math.tan(math.radians(tilt))
        length = 24 / math.pi * math.acos(max(-1.0, min(1.0, angle)))
        return 12 - length / 2, length

    def _weather(self, day: int) -> float:
        """Return how clear the sky of a day is, up to 1."""
        if day not in self._skies:
            self._skies[day] = self._sky(day)
        return self._skies[day]

    def _sky(self, day: int) -> float:
        if self._site.daylight:
            return spread_between(0.9, 1.0, self._site.seed, "weather", day)
        return 0.45 + 0.55 * math.sqrt(spread(self._site.seed, "weather", day))

    def _within(self, day: int, hour: float) -> float:
        if self._site.daylight:
            ripple = 1.2 / math.pi * math.sin(math.pi * (hour - 12) / 12)
            return self._weather(day) * (0.9 * hour + ripple)
        return self._weather(day) * hump_area(hour, *self._day(day))

    def _before_day(self, day: int) -> float:
        while len(self._before) <= day:
            last = len(self._before) - 1
            self._before.append(self._before[last] + self._within(last, 24.0))
        return self._before[max(day, 0)]


class House:
    """What the house draws, in kW: least at night, most in the evening."""

    def __init__(self, site: Site) -> None:
        """Prepare the curve for a site."""
        self._size = spread_between(0.8, 1.3, site.seed, "house")

    def power(self, hour: float) -> float:
        """Return the draw at an hour by the sun, in kW."""
        slow = 0.35 * math.cos(math.pi * (hour - 19) / 12)
        return self._size * (0.75 + slow + 0.2 * math.cos(math.pi * (hour - 8) / 6))

    def energy(self, day: int, hour: float) -> float:
        """Return what was drawn since the epoch, in kWh."""
        slow = 0.35 * 12 / math.pi
        fast = 0.2 * 6 / math.pi
        area = 0.75 * hour + slow * math.sin(math.pi * (hour - 19) / 12)
        area += fast * math.sin(math.pi * (hour - 8) / 6)
        start = slow * math.sin(-math.pi * 19 / 12) + fast * math.sin(-math.pi * 8 / 6)
        return self._size * (day * 18.0 + area - start)


class Cell:
    """A battery that charges every day around noon and discharges every evening."""

    CAPACITY = 13.0
    _CHARGE = (2.0, 9.0, 6.0)
    _DISCHARGE = (2.16, 17.0, 5.0)

    def power(self, hour: float) -> float:
        """Return the power in kW, positive while it discharges."""
        charge, discharge = self._CHARGE, self._DISCHARGE
        out = discharge[0] * hump(hour, *discharge[1:])
        return out - charge[0] * hump(hour, *charge[1:])

    def charged(self, day: int, hour: float) -> float:
        """Return what went in since the epoch, in kWh."""
        peak, begin, length = self._CHARGE
        return peak * (day * length / 2 + hump_area(hour, begin, length))

    def discharged(self, day: int, hour: float) -> float:
        """Return what came out since the epoch, in kWh."""
        peak, begin, length = self._DISCHARGE
        return peak * (day * length / 2 + hump_area(hour, begin, length))

    def charge_state(self, hour: float) -> float:
        """Return the state of charge, from 0 to 1."""
        stored = 0.95 * self.charged(0, hour) - self.discharged(0, hour) / 5.4 * 5.7
        return 0.3 + stored / self.CAPACITY
