"""The synthetic plant: panels, two meters, perhaps a battery; a function of seed and clock.

Panels are measured every 5 minutes, meters every 5 seconds, live data every second.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from .spread import digits, hexadecimal, spread_between
from .sun import DAY, Cell, House, Site, Sun

PANEL_SECONDS = 300
METER_SECONDS = 5
STALE_SECONDS = 1800
"""After dusk an inverter keeps its last measurement this long, then it has none."""


@dataclass(frozen=True)
class PanelReading:
    """One panel with its inverter. Powers in kW, energy in kWh, times in seconds since 1970.

    Attributes:
        awake: The inverter runs; else its state is `error`.
        measured: The old API still shows a measurement.
        measured_at: When it was taken.
    """

    serial: str
    module: str
    awake: bool
    measured: bool
    measured_at: float
    energy_kwh: float
    power_kw: float
    voltage_v: float
    current_a: float
    dc_power_kw: float
    dc_voltage_v: float
    dc_current_a: float
    heatsink_c: int
    frequency_hz: float


@dataclass(frozen=True)
class MeterReading:
    """One meter. Net counts what is drawn positive; the production meter counts what is made."""

    serial: str
    measured_at: float
    power_kw: float
    reactive_kvar: float
    apparent_kva: float
    power_factor: float
    frequency_hz: float
    voltage_v: float
    leg_voltages_v: tuple[float, float]
    leg_powers_kw: tuple[float, float]
    leg_currents_a: tuple[float, float]
    current_a: float
    net_kwh: float
    import_kwh: float
    export_kwh: float


@dataclass(frozen=True)
class BatteryReading:
    """The battery. Power in kW, positive while it discharges; state of charge from 0 to 1."""

    serial: str
    modules: tuple[str, ...]
    measured_at: float
    power_kw: float
    charged_kwh: float
    discharged_kwh: float
    charge_state: float
    voltage_v: float
    temperature_c: float


@dataclass(frozen=True)
class Live:
    """Live data: powers in kW, energies in kWh; battery values None without a battery."""

    time: int
    pv_p: float
    pv_en: float
    net_p: float
    net_en: float
    site_load_p: float
    site_load_en: float
    ess_en: float | None
    ess_p: float | None
    soc: float | None


@dataclass(frozen=True)
class Reading:
    """The whole plant at one instant."""

    at: float
    panels: tuple[PanelReading, ...]
    production: MeterReading
    consumption: MeterReading
    battery: BatteryReading | None
    live: Live

    def truth(self) -> dict[str, Any]:
        """Return the reading as JSON data, unrounded."""
        return asdict(self)


class Plant:
    """A plant that can be read at any instant from 2025-01-02 on."""

    def __init__(self, site: Site, panels: int, *, battery_modules: int) -> None:
        """Build the plant, without modules without a battery; same arguments, same plant."""
        self.site = site
        self.count = panels
        self._sun = Sun(site)
        self._house = House(site)
        self._cell = Cell() if battery_modules else None
        self._peaks = [spread_between(0.31, 0.345, site.seed, "peak", i) for i in range(panels)]
        self._starts = [spread_between(1150, 1500, site.seed, "age", i) for i in range(panels)]
        self._peak = sum(self._peaks)
        self._start = sum(self._starts)
        self._exported = [0.0]
        prefix = digits(5, site.seed, "lot")
        self.serials = tuple(
            f"E001{prefix}{digits(3, site.seed, 'inverter', i)}{i:03d}" for i in range(panels)
        )
        self.modules = tuple(
            f"M{digits(2, site.seed, 'line', i)}N{digits(5, site.seed, 'module', i)}{i:03d}"
            for i in range(panels)
        )
        self.meter_stem = f"PVS6M{digits(8, site.seed, 'meter')}"
        self.battery_stem = f"{hexadecimal(12, site.seed, 'battery').upper()}"
        self.battery_modules = tuple(
            f"M{digits(14, site.seed, 'battery module', i)}" for i in range(battery_modules)
        )

    def read(self, at: float) -> Reading:
        """Read every device at an instant (seconds since 1970)."""
        return Reading(
            at=at,
            panels=tuple(self._panel(i, at) for i in range(self.count)),
            production=self._production(at),
            consumption=self._consumption(at),
            battery=self._battery(at),
            live=self.live(at),
        )

    def live(self, at: float) -> Live:
        """Read the live data alone."""
        second = math.floor(at)
        day, hour = self._sun.local(second)
        pv_en = self._made(second)
        net_en = self._net(second)
        stored = self._stored(day, hour)
        cell = self._cell
        return Live(
            time=second,
            pv_p=self._making(second),
            pv_en=pv_en,
            net_p=self._net_power(second),
            net_en=net_en,
            site_load_p=self._house.power(hour),
            site_load_en=self._house.energy(day, hour),
            ess_en=stored if cell else None,
            ess_p=cell.power(hour) if cell else None,
            soc=cell.charge_state(hour) if cell else None,
        )

    def _panel(self, index: int, at: float) -> PanelReading:
        seed = self.site.seed
        scan = math.floor(at / PANEL_SECONDS) * PANEL_SECONDS
        awake = self._sun.awake(scan)
        fresh = True
        if not awake:
            dusk = self._sun.last_dusk(at)
            fresh = at - dusk < STALE_SECONDS
            scan = math.floor(dusk / PANEL_SECONDS) * PANEL_SECONDS
        strength = self._sun.strength(scan) if awake else 0.0
        power = self._peaks[index] * strength
        voltage = spread_between(242.0, 245.0, seed, "volt", index, scan)
        dc_voltage = spread_between(53.5, 56.5, seed, "dc", index, scan) if awake else 21.9
        dc_power = power / 0.957
        return PanelReading(
            serial=self.serials[index],
            module=self.modules[index],
            awake=awake,
            measured=fresh,
            measured_at=float(scan),
            energy_kwh=self._starts[index] + self._peaks[index] * self._sun.hours(scan),
            power_kw=power,
            voltage_v=voltage,
            current_a=power * 1000 / voltage,
            dc_power_kw=dc_power,
            dc_voltage_v=dc_voltage,
            dc_current_a=dc_power * 1000 / dc_voltage,
            heatsink_c=round(14 + 26 * strength + spread_between(0, 3, seed, "heat", index, scan)),
            frequency_hz=spread_between(59.99, 60.01, seed, "hertz", index, scan),
        )

    def _production(self, at: float) -> MeterReading:
        scan = math.floor(at / METER_SECONDS) * METER_SECONDS
        power = self._making(scan)
        return self._meter("p", scan, power, (self._made(scan), 0.0, 0.0))

    def _consumption(self, at: float) -> MeterReading:
        scan = math.floor(at / METER_SECONDS) * METER_SECONDS
        net, exported = self._net(scan), self._export(scan)
        return self._meter("c", scan, self._net_power(scan), (net, net + exported, exported))

    def _meter(
        self, kind: str, scan: float, power: float, energies: tuple[float, float, float]
    ) -> MeterReading:
        seed = self.site.seed
        reactive = spread_between(0.02, 0.4, seed, "var", kind, scan)
        apparent = math.hypot(power, reactive)
        legs = (
            spread_between(121.0, 122.4, seed, "leg1", scan),
            spread_between(121.0, 122.4, seed, "leg2", scan),
        )
        share = spread_between(0.4, 0.6, seed, "share", kind, scan)
        powers = (power * share, power * (1 - share))
        return MeterReading(
            serial=self.meter_stem + kind,
            measured_at=float(scan),
            power_kw=power,
            reactive_kvar=reactive,
            apparent_kva=apparent,
            power_factor=power / apparent,
            frequency_hz=spread_between(59.99, 60.02, seed, "hertz", scan),
            voltage_v=sum(legs),
            leg_voltages_v=legs,
            leg_powers_kw=powers,
            leg_currents_a=(
                abs(powers[0]) * 1000 / legs[0],
                abs(powers[1]) * 1000 / legs[1],
            ),
            current_a=apparent * 1000 / sum(legs),
            net_kwh=energies[0],
            import_kwh=energies[1],
            export_kwh=energies[2],
        )

    def _battery(self, at: float) -> BatteryReading | None:
        if self._cell is None:
            return None
        scan = math.floor(at / METER_SECONDS) * METER_SECONDS
        day, hour = self._sun.local(scan)
        charge_state = self._cell.charge_state(hour)
        return BatteryReading(
            serial=self.battery_stem,
            modules=self.battery_modules,
            measured_at=float(scan),
            power_kw=self._cell.power(hour),
            charged_kwh=self._cell.charged(day, hour),
            discharged_kwh=self._cell.discharged(day, hour),
            charge_state=charge_state,
            voltage_v=49.0 + 5.0 * charge_state,
            temperature_c=24.0 + 2.0 * abs(self._cell.power(hour)),
        )

    def _making(self, at: float) -> float:
        return self._peak * self._sun.strength(at)

    def _made(self, at: float) -> float:
        return self._start + self._peak * self._sun.hours(at)

    def _stored(self, day: int, hour: float) -> float:
        if self._cell is None:
            return 0.0
        return self._cell.discharged(day, hour) - self._cell.charged(day, hour)

    def _net_power(self, at: float) -> float:
        _, hour = self._sun.local(at)
        stored = self._cell.power(hour) if self._cell else 0.0
        return self._house.power(hour) - self._making(at) - stored

    def _net(self, at: float) -> float:
        day, hour = self._sun.local(at)
        drawn = self._house.energy(day, hour) - self._stored(day, hour)
        return drawn - self._peak * self._sun.hours(at)

    def _export(self, at: float) -> float:
        """Return what was fed into the grid since the epoch: where net falls, by how much."""
        day, _ = self._sun.local(at)
        midnight = self.site.epoch - self.site.longitude * 240
        while len(self._exported) <= day:
            last = len(self._exported) - 1
            whole = self._fall(midnight + last * DAY, midnight + (last + 1) * DAY)
            self._exported.append(self._exported[last] + whole)
        return self._exported[max(day, 0)] + self._fall(midnight + day * DAY, at)

    def _fall(self, begin: float, end: float) -> float:
        """Return how far net energy falls, rises left out, from midnight `begin` to `end`."""
        fallen = 0.0
        left, left_power = begin, self._net_power(begin)
        while left < end:
            slot = begin + (math.floor((left - begin) / 1800 + 1e-9) + 1) * 1800
            right = min(slot, end)
            right_power = self._net_power(slot)
            cross = slot
            if (left_power < 0) != (right_power < 0):
                cross = self._crossing(left, slot, left_negative=left_power < 0)
            if left_power < 0:
                fallen += self._net(left) - self._net(min(cross, right))
            elif right_power < 0 and right > cross:
                fallen += self._net(cross) - self._net(right)
            left, left_power = slot, right_power
        return fallen

    def _crossing(self, left: float, right: float, *, left_negative: bool) -> float:
        for _ in range(12):
            middle = (left + right) / 2
            if (self._net_power(middle) < 0) == left_negative:
                left = middle
            else:
                right = middle
        return right
