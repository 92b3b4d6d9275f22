"""Everything is read as often as the PVS measures it, and the meters more often."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.figures import served
from unit.compat.running import Compat

from pvs_bridge.compat import new_api
from pvs_sim import Simulator
from pvs_sim.varserver import variables

if TYPE_CHECKING:
    from pvs_sim.varserver import View

pytestmark = pytest.mark.usefixtures("as_on_a_bridge")

WHOLE, METERS = "/vars?match=/sys/", "/vars?match=/sys/devices/meter/"


def advance(pvs: Simulator, seconds: float) -> None:
    """Set the clock of a PVS forward."""
    pvs.call(lambda box: box.clock.set(box.clock.now() + seconds))


def readings(pvs: Simulator) -> list[str]:
    """Return the readings of a PVS, in order."""
    targets = [record["line"].split()[1] for record in pvs.log()]
    return [target for target in targets if target.startswith("/vars")]


def power(compat: Compat, kind: str) -> list[str]:
    """Return the power of each device of a kind."""
    return [each["p_3phsum_kw"] for each in compat.get().devices(kind)]


def test_between_two_whole_readings_only_the_meters_are_read(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    before = power(compat, "Power Meter"), power(compat, "Inverter")
    advance(pvs, 240)
    after = power(compat, "Power Meter"), power(compat, "Inverter")
    assert readings(pvs)[0] == WHOLE
    assert set(readings(pvs)[1:]) == {METERS}
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_whole_reading_is_due_after_five_minutes(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_api, "WHOLE_SECONDS", 0.5)
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    compat.get()
    advance(pvs, 3600)
    time.sleep(0.6)
    compat.get()
    assert readings(pvs)[-1] == WHOLE


def test_the_time_of_the_pvs_goes_on_between(boot: Boot, serve: Serve) -> None:
    compat = serve(boot(), cache_seconds=0)
    first = compat.get().devices("PVS")[0]["CURTIME"]
    time.sleep(2.1)
    assert compat.get().devices("PVS")[0]["CURTIME"] > first


@pytest.mark.usefixtures("hurry")
def test_after_a_restart_of_the_pvs_everything_is_read(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        pvs = boot()
        compat = serve(pvs, cache_seconds=0, stats_socket=str(socket))
        compat.wait_ready()
        compat.get()
        pvs.call(lambda box: box.restart("test", seconds=0))
        figures.failures = 1
        time.sleep(0.5)
        compat.get()
        assert readings(pvs).count(WHOLE) == 2


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("gone", ["/meter/1/", "/meter/"])
def test_other_meters_mean_other_devices(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    compat.get()

    def without(view: View) -> dict[str, Any]:
        return {name: v for name, v in variables(view).items() if gone not in name}

    replaced: Callable[[View], dict[str, Any]] = without
    monkeypatch.setattr("pvs_sim.box.variables", replaced)
    compat.get()
    assert readings(pvs)[-2:] == [METERS, WHOLE]
