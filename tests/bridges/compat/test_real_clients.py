"""Programs that people install read the plant through the bridge, by the protocol that they speak.

The values are compared with the truth of the simulated PVS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bridges.compat.conftest import SIMULATOR
from bridges.compat.house import VARIABLES, House

from pvs_lab.process import wait_until

LIVE_DATA = {"compat_live_data_enabled": True, "proxy_writes_acknowledged": True}
BUILDS = {"PVS6": (61707, 61846), "PVS5": (5400, 5412)}
PLACES = 1e-4
"""The older API writes four places."""

Truth = dict[str, Any]


@pytest.fixture(scope="module", params=list(BUILDS))
def model(request: pytest.FixtureRequest) -> str:
    """The model of the PVS."""
    return str(request.param)


@pytest.fixture(scope="module")
def plant(model: str) -> Iterator[House]:
    """A bridge of the newest release, with a PVS of the model."""
    house = House(f"t-clients-{model.lower()}")
    build = BUILDS[model][0]
    simulator = f"{SIMULATOR} --model {model} --firmware {build} --panels 4"
    try:
        variables = {**VARIABLES, **LIVE_DATA}
        house.up_provisioned("trixie", "networkmanager", variables, f"--simulator={simulator}")
        yield house
    finally:
        house.command("down")


@pytest.fixture(params=["open", "locked"])
def bridge(request: pytest.FixtureRequest, plant: House, model: str) -> House:
    """The bridge, with firmware of each kind."""
    plant.install(BUILDS[model][request.param == "locked"])
    plant.reset()
    return plant


def truth(house: House) -> Truth:
    """Return the plant of the simulated PVS, by serial number."""
    reading = house.simulator("/_sim/plant")["reading"]
    meters = [reading["production"], reading["consumption"]]
    return {each["serial"]: each for each in (*reading["panels"], *meters)}


def check_record(house: House) -> None:
    """Check that the programs were gentle."""
    record = house.record()
    # 0 if the bridge has read everything already.
    assert record["most_in_flight"]["total"] <= 1
    assert record["writes"]["count"] == 0
    assert record["logins"] <= 2


def test_sungazer_reads_every_device(bridge: House) -> None:
    serial = bridge.record()["serial"]
    (read,) = bridge.program("sungazer_reads", "bridge", serial)
    known = truth(bridge)
    devices = {each["SERIAL"]: each for each in read["devices"]["devices"]}
    assert set(devices) == {serial, *known}
    assert {each["STATE"] for each in devices.values()} == {"working"}
    for name, told in known.items():
        assert abs(devices[name]["p_3phsum_kw"] - told["power_kw"]) <= PLACES
        key = "ltea_3phsum_kwh" if "energy_kwh" in told else "net_ltea_3phsum_kwh"
        energy = told.get("energy_kwh", told.get("net_kwh"))
        assert abs(devices[name][key] - energy) <= PLACES
    status = read["network"]["networkstatus"]
    assert [each["interface"] for each in status["interfaces"]] == ["wan", "plc", "sta0", "cell"]
    assert status["system"]["internet"] == "up"
    assert read["start"]["supervisor"]["SERIAL"] == serial
    assert isinstance(read["grid_profile"]["percent"], int)
    assert read["firmware"] == {"url": None}
    check_record(bridge)


def test_the_prometheus_exporter_exports_every_device(bridge: House) -> None:
    samples = bridge.program("exporter_scrape", "bridge")
    known = truth(bridge)
    series = [(each["name"], tuple(sorted(each["labels"].items()))) for each in samples]
    assert len(set(series)) == len(series)

    def values(name: str) -> dict[str, float]:
        return {
            each["labels"]["device_id"]: each["value"]
            for each in samples
            if each["name"] == f"sunpower_pvs_{name}"
        }

    panels = {name: each for name, each in known.items() if "energy_kwh" in each}
    meters = {name: each for name, each in known.items() if "net_kwh" in each}
    power = values("inverter_ac_power_watts")
    assert power.keys() == panels.keys()
    energy = values("inverter_energy_total_watt_hours")
    for name, told in panels.items():
        assert abs(power[name] - told["power_kw"] * 1000) <= PLACES * 1000
        assert abs(energy[name] - told["energy_kwh"] * 1000) <= PLACES * 1000
    net = values("power_meter_net_energy_watt_hours")
    assert net.keys() == meters.keys()
    for name, told in meters.items():
        assert abs(net[name] - told["net_kwh"] * 1000) <= PLACES * 1000
    assert set(values("device_state").values()) == {1.0}
    names = {each["labels"].get("interface") for each in samples}
    assert {"wan", "plc", "sta0", "cell"} <= names
    check_record(bridge)


def test_the_vendor_s_library_reads_every_device(bridge: House, model: str) -> None:
    serial = bridge.record()["serial"]
    (read,) = bridge.program("vendor", "bridge", serial)
    known = truth(bridge)
    assert read["serial"] == serial
    assert set(read["inverters"]) | set(read["meters"]) == set(known)
    for name, inverter in read["inverters"].items():
        assert abs(inverter["last_report_kw"] - known[name]["power_kw"]) <= PLACES
        assert abs(inverter["lte_kwh"] - known[name]["energy_kwh"]) <= PLACES
    for name, meter in read["meters"].items():
        assert abs(meter["power_3ph_kw"] - known[name]["power_kw"]) <= PLACES
    assert read["gateway"]["pvs_type"] == model
    check_record(bridge)


def test_the_vendor_s_library_hears_live_data(bridge: House, model: str) -> None:
    serial = bridge.record()["serial"]
    locked = bridge.record()["firmware"] == 61846
    with bridge.running_program("vendor_live", "bridge", serial, "60") as first:
        (read,) = bridge.program("vendor_live", "bridge", serial, "60" if model == "PVS6" else "5")
        if model == "PVS5":
            # It has none.
            assert read is None
            return
        assert json.loads(first.communicate(timeout=60)[0])["pv_p"] == read["pv_p"]
    live = bridge.simulator("/_sim/plant")["reading"]["live"]
    for name in ("pv_p", "net_p", "pv_en", "site_load_p"):
        assert abs(read[name] - live[name]) <= PLACES
    assert bridge.record()["websocket"]["most"] == 1
    assert bridge.record()["most_in_flight"]["total"] <= 1
    assert wait_until(lambda: bridge.record()["websocket"]["clients"] == 0, 60)
    assert wait_until(lambda: not locked or not bridge.record()["telemetry"], 30)
    writes = [each["what"] for each in bridge.record()["writes"]["list"]]
    assert writes == [f"set=/sys/telemetryws/enable={value}" for value in (1, 0) if locked]
