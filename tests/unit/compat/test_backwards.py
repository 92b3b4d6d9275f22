"""Old → new → old: the variables made from a device list make the same device list again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.compat.conftest import Boot

from pvs_bridge.compat.backwards import NETWORK_NAMES, variables_of
from pvs_bridge.compat.battery import storage_report
from pvs_bridge.compat.devices import Beside, device_list, listed_keys
from pvs_bridge.compat.mapping import INTERFACES
from pvs_bridge.compat.network_status import network_status
from pvs_bridge.pvs.variables import sort_plant
from pvs_sim.devices import Moment
from pvs_sim.devices import device_list as old_device_list
from pvs_sim.devices import storage_report as old_storage_report
from pvs_sim.firmware import Firmware
from pvs_sim.plant import Plant
from pvs_sim.state import State
from pvs_sim.sun import Site
from pvs_sim.varserver import variables

NOON = 1_750_017_600  # 2025-06-15T20:00:00Z
NO_VARIABLES = {"PV Disconnect", "Gateway", "ESS BMS"}
# The bridge adds this key, which some firmware has.
ADDED = {"p_mpptsum_kw"}

often = settings(max_examples=60, deadline=None)


def old_answers(
    at: float, seed: int, panels: int, modules: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return DeviceList and the report of the battery of a plant at a moment."""
    reading = Plant(Site(seed, 36.7, -119.8), panels, battery_modules=modules).read(at)
    state = State(serial="ZT210175000612B0042", model="PVS6")
    moment = Moment(reading, state, Firmware("PVS6", 61707), seed, 97200.5)
    return old_device_list(moment), old_storage_report(reading)["ess_report"]


@often
@given(
    at=st.integers(0, 40 * 86400), seed=st.integers(0, 9), panels=st.integers(1, 5),
    modules=st.sampled_from([0, 1, 4]),
)  # fmt: skip
def test_a_device_list_comes_back_the_same(at: int, seed: int, panels: int, modules: int) -> None:
    old, report = old_answers(NOON + at, seed, panels, modules)
    told = sort_plant(variables_of(old, report))
    new = device_list(told, Beside(listed=listed_keys(old)))
    kept = [each for each in old if each["DEVICE_TYPE"] not in NO_VARIABLES]
    assert [each["SERIAL"] for each in new] == [each["SERIAL"] for each in kept]
    for before, after in zip(kept, new, strict=True):
        # Both lists say so by other limits of the age.
        unsure = {"STATE", "STATEDESCR"} if before["DEVICE_TYPE"] == "Inverter" else set()
        unsure |= {"DATATIME"} if before["DEVICE_TYPE"] == "PVS" else set()
        measured = {key for key in before if key not in after}
        assert not measured or after["STATE"] == "error", (before, after)
        for key in after.keys() - unsure - ADDED - {"flash_usage"}:
            if key == "i_a":
                assert abs(Decimal(after[key]) - Decimal(before[key])) < Decimal("0.001")
            else:
                assert after[key] == before[key], (key, before, after)


@settings(max_examples=15, deadline=None)
@given(
    at=st.integers(0, 40 * 86400), seed=st.integers(0, 9), modules=st.sampled_from([0, 1, 2, 4]),
)  # fmt: skip
def test_the_battery_s_report_comes_back_the_same(at: int, seed: int, modules: int) -> None:
    old, report = old_answers(NOON + at, seed, 2, modules)
    new = storage_report(sort_plant(variables_of(old, report)))["ess_report"]
    if not modules:
        assert new == report
        return
    assert new["last_updated"] == report["last_updated"]
    for name in ("battery_status", "ess_status", "inverter_status", "hub_plus_status"):
        before, after = report[name], new[name]
        before, after = (each if isinstance(each, list) else [each] for each in (before, after))
        assert len(before) == len(after) == 1
        assert after[0]["serial_number"] == before[0]["serial_number"]
        for key, value in after[0].items():
            if isinstance(value, dict) and "unit" in value and value["value"]:
                assert value == before[0][key], (name, key)


def test_the_variables_are_those_of_the_new_api(boot: Boot) -> None:
    sim = boot(firmware=61846, panels=3)
    old: list[dict[str, Any]] = sim.call(lambda box: old_device_list(box._moment()))
    new: dict[str, str] = sim.call(lambda box: variables(box._view()))
    made = variables_of(old)
    assert {name for name in made if name not in new} == set()
    lost = {name for name in new if name not in made and name.startswith("/sys/devices/")}
    assert {name.rpartition("/")[2] for name in lost} == {
        "i1A", "i2A", "v1nV", "v2nV", "p1Kw", "p2Kw", "negLtea3phsumKwh", "posLtea3phsumKwh",
    }  # fmt: skip
    # The simulated PVS counts the load from another day on than production.
    for name in ("pv_p", "pv_en", "net_p", "net_en", "site_load_p"):
        place = f"/sys/livedata/{name}"
        assert abs(float(made[place]) - float(new[place])) < 0.5, name
    assert made["/sys/livedata/time"] == new["/sys/livedata/time"]


def test_the_network_status_comes_back_the_same() -> None:
    states = {"/net/sta0/state": "online", "/net/wan0/state": "N/A", "/net/wwan0/state": "N/A"}
    told = {"/sys/info/active_interface": "sta0", "/sys/livedata/time": "1750000000"}
    status = network_status(sort_plant(told), states)
    made = variables_of([], network=status)
    again = network_status(sort_plant({**told, **made}), made)
    assert again == status


@often
@given(
    up=st.sets(st.sampled_from([each.name for each in INTERFACES])),
    active=st.sampled_from([each.name for each in INTERFACES]),
    seconds=st.integers(1_600_000_000, 1_900_000_000),
)
def test_the_old_network_status_comes_back_the_same(
    up: set[str], active: str, seconds: int
) -> None:
    entries = [
        {
            **each.unknown,
            **{key: yes if each.name in up else no for key, (yes, no) in each.online.items()},
            "interface": each.name,
        }
        for each in INTERFACES
    ]
    system = {"interface": active, "internet": "up" if active in up else "down"}
    old = {"interfaces": entries, "system": {**system, "sms": "unreachable"}, "ts": str(seconds)}
    made = variables_of([], network=old)
    plant = sort_plant({**made, "/sys/livedata/time": str(seconds)})
    assert network_status(plant, made) == old
    assert set(made) <= set(NETWORK_NAMES)


@often
@given(
    devices=st.lists(
        st.dictionaries(
            st.sampled_from(["DEVICE_TYPE", "SERIAL", "TYPE", "DATATIME", "p_3phsum_kw", "MODEL"]),
            st.none() | st.booleans() | st.integers() | st.text(max_size=8)
            | st.sampled_from(["Inverter", "PVS", "Power Meter", "PVS5-METER-P", "E1", "nan"])
            | st.lists(st.integers(), max_size=2),
        )
    )
)  # fmt: skip
def test_a_hostile_list_makes_only_valid_variables(devices: list[dict[str, Any]]) -> None:
    for name, value in variables_of(
        devices, {"ess_status": devices}, {"interfaces": devices}
    ).items():
        assert name.startswith("/")
        assert isinstance(value, str)
        assert "nan" not in value
