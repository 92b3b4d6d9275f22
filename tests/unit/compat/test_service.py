"""A locked PVS behind the service, compared with the same PVS with older firmware."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.running import DEVICE_LIST, Compat

from pvs_bridge.compat.mapping import KINDS, LISTED, METERS
from pvs_sim import Simulator
from pvs_sim.client import fetch
from pvs_sim.clock import parse_instant

NIGHT = parse_instant("2025-06-15T09:30:00Z")
DUSK = parse_instant("2025-06-16T03:40:00Z")
STORAGE = "/cgi-bin/dl_cgi/energy-storage-system/status"

# The parts of a SunVault that have no variables.
NO_VARIABLES = {"PV Disconnect", "Gateway", "ESS BMS"}
# Keys without a source until devices/list is asked, and keys that the monitor reads.
LEFT_OUT = {"dl_flash_avail"}
ADDED = {"flash_usage", "flashwear_type_b", "p_mpptsum_kw"}
# Values that the new API does not have, by kind; the README lists them too.
UNKNOWN = {
    kind.device_type: {row.key for row in kind.rows if row.form == LISTED}
    for kind in KINDS
    if kind not in METERS
}
UNKNOWN["Power Meter"] = {row.key for kind in METERS for row in kind.rows if row.form == LISTED}
NO_MODEL = {"Storage Inverter", "Battery"}
# The uptime grows between two requests, and the new API has no time of the last scan.
DIFFERENT = {"PVS": {"dl_uptime", "DATATIME"}}


def pair(boot: Boot, **chosen: Any) -> tuple[Simulator, Simulator]:  # noqa: ANN401 - any option
    """Start one plant twice: with the last open firmware, and with a locked one."""
    return boot(firmware=61707, **chosen), boot(firmware=61846, **chosen)


def same(old: object, new: object) -> bool:
    """Return whether two values are equal, within one unit of the last written digit."""
    if old == new:
        return True
    places = max(len(str(value).partition(".")[2]) for value in (old, new))
    try:
        return abs(Decimal(str(old)) - Decimal(str(new))) <= Decimal(1).scaleb(-places)
    except InvalidOperation:
        return False


@pytest.mark.parametrize("panels", [1, 12, 60])
@pytest.mark.parametrize("battery", [False, True])
def test_devices_and_values_are_those_of_the_old_api(
    boot: Boot, serve: Serve, panels: int, battery: bool
) -> None:
    open_pvs, locked_pvs = pair(boot, panels=panels, battery=battery)
    old = json.loads(fetch(open_pvs.http_url + DEVICE_LIST).body)
    new = serve(locked_pvs).get().json()
    assert new["result"] == "succeed"
    known = {device["SERIAL"]: device for device in old["devices"]}
    order = [each["SERIAL"] for each in old["devices"] if each["DEVICE_TYPE"] not in NO_VARIABLES]
    assert [device["SERIAL"] for device in new["devices"]] == order
    for device in new["devices"]:
        kind, before = device["DEVICE_TYPE"], known[device["SERIAL"]]
        assert set(before) - set(device) <= LEFT_OUT
        assert set(device) - set(before) <= ADDED
        assert [each for each in device if each in before] == [
            each for each in before if each in device
        ]
        other = DIFFERENT.get(kind, set()) | UNKNOWN[kind] | ADDED | {"SWVER"}
        for key in set(device) & set(before):
            assert type(device[key]) is type(before[key])
        for key in set(device) - other - ({"MODEL"} if kind in NO_MODEL else set()):
            assert same(before[key], device[key]), (kind, key, before[key], device[key])


@pytest.mark.parametrize("moment", [NIGHT, DUSK], ids=["night", "dusk"])
def test_a_panel_without_sun_is_in_error_and_then_without_measurements(
    boot: Boot, serve: Serve, moment: float
) -> None:
    open_pvs, locked_pvs = pair(boot, panels=3, clock=moment)
    old = json.loads(fetch(open_pvs.http_url + DEVICE_LIST).body)["devices"]
    new = serve(locked_pvs).get().devices("Inverter")
    before = [each for each in old if each["DEVICE_TYPE"] == "Inverter"]
    assert [each["STATE"] for each in new] == ["error"] * 3
    assert [each["STATEDESCR"] for each in new] == ["Error"] * 3
    assert ["p_3phsum_kw" in each for each in new] == ["p_3phsum_kw" in each for each in before]
    assert ["DATATIME" in each for each in new] == ["DATATIME" in each for each in before]


def test_the_meters_work_at_night(boot: Boot, serve: Serve) -> None:
    meters = serve(boot(clock=NIGHT)).get().devices("Power Meter")
    assert [meter["STATE"] for meter in meters] == ["working"] * 2
    assert all("p_3phsum_kw" in meter for meter in meters)


def values_in(tree: object, path: str = "") -> dict[str, object]:
    """Return the leaves of a report by their path."""
    if isinstance(tree, dict):
        pairs = [(f"{path}.{key}", value) for key, value in tree.items()]
    elif isinstance(tree, list):
        pairs = [(f"{path}.{index}", value) for index, value in enumerate(tree)]
    else:
        return {path: tree}
    return {name: leaf for key, value in pairs for name, leaf in values_in(value, key).items()}


def test_the_battery_s_report_has_the_same_values(boot: Boot, serve: Serve) -> None:
    open_pvs, locked_pvs = pair(boot, battery=True)
    old = values_in(json.loads(fetch(open_pvs.http_url + STORAGE).body))
    new = values_in(serve(locked_pvs).get(STORAGE).json())
    assert set(new) == set(old)
    told = {name: value for name, value in new.items() if value not in (0, "UNKNOWN", False)}
    assert len(told) > 45
    # The new API has the temperature of the hottest cell, one degree more.
    hottest = ".ess_report.battery_status.0.temperature.value"
    assert abs(float(str(told.pop(hottest))) - float(str(old[hottest]))) < 1.1
    for name, value in told.items():
        assert same(old[name], value), (name, old[name], value)


def test_without_a_battery_the_report_is_empty(boot: Boot, serve: Serve) -> None:
    open_pvs, locked_pvs = pair(boot)
    old = json.loads(fetch(open_pvs.http_url + STORAGE).body)
    assert serve(locked_pvs).get(STORAGE).json() == old


def test_start_says_what_the_pvs_says_of_itself(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    told = json.loads(fetch(f"{pvs.http_url}/cgi-bin/dl_cgi/supervisor/info").body)
    compat = serve(pvs)
    for target in ("?Command=Start", "?Command=GetSupervisorInformation", "/supervisor/info"):
        assert compat.get(f"/cgi-bin/dl_cgi{target}").json() == told
    assert compat.get("/cgi-bin/dl_cgi?Command=Stop").json() == {"result": "succeed"}


def test_get_comm_has_the_state_of_the_interfaces(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    status = serve(pvs).get("/cgi-bin/dl_cgi?Command=Get_Comm").json()["networkstatus"]
    assert {each["interface"]: each["internet"] for each in status["interfaces"]} == {
        "wan": "down", "plc": "down", "sta0": "up", "cell": "down",
    }  # fmt: skip
    assert status["system"] == {"interface": "sta0", "internet": "up", "sms": "unreachable"}
    assert status["ts"] == str(int(pvs.call(lambda box: box.clock.now())))


def test_the_grid_profile_has_every_key_with_unknown_values(boot: Boot, serve: Serve) -> None:
    target = "/cgi-bin/dl_cgi?Command=GridProfileGet"
    old = json.loads(fetch(boot(firmware=61707).http_url + target).body)
    new = serve(boot()).get(target).json()
    assert {key: type(value) for key, value in new.items()} == {
        key: type(value) for key, value in old.items()
    }
    assert set(new.values()) == {"succeed", "", 0}


def test_commands_about_what_the_new_api_lacks_are_answered_with_none(
    boot: Boot, serve: Serve
) -> None:
    compat = serve(boot())
    for name, wanted in (("CheckFW", {"url": "none"}),
                         ("GetCellPurchased", {"cell_purchased": "null"})):  # fmt: skip
        target = f"/cgi-bin/dl_cgi?Command={name}"
        old = json.loads(fetch(boot(firmware=61707).http_url + target).body)
        assert compat.get(target).json() == old == wanted


def test_a_pvs_that_describes_nothing_is_described_by_its_variables(
    boot: Boot, serve: Serve
) -> None:
    pvs = boot(model="PVS5", firmware=5408)
    supervisor = serve(pvs).get("/cgi-bin/dl_cgi?Command=Start").json()["supervisor"]
    other = boot(model="PVS5", firmware=5412)
    told = json.loads(fetch(f"{other.http_url}/cgi-bin/dl_cgi/supervisor/info").body)
    assert supervisor.keys() == told["supervisor"].keys()
    assert supervisor["SERIAL"] == pvs.call(lambda box: box.state.serial)
    assert (supervisor["MODEL"], supervisor["SWVER"]) == ("PVS5", "2025.10, Build 5408")


def test_ghosts_are_not_listed(boot: Boot, serve: Serve) -> None:
    inverters = serve(boot(panels=3, ghosts=3)).get().devices("Inverter")
    assert len(inverters) == 3
    assert all(each["SERIAL"].startswith("E00") for each in inverters)


def test_values_of_unexpected_types_are_read_or_unknown(boot: Boot, serve: Serve) -> None:
    plain = serve(boot(panels=12)).get().json()["devices"]
    odd = serve(boot(panels=12, odd_values=True)).get().json()["devices"]
    for device in odd:
        (before,) = [each for each in plain if each["SERIAL"] == device["SERIAL"]]
        differs = {key for key in device if not same(before.get(key), device[key])}
        assert differs <= {"MODEL", "DATATIME", "STATE", "STATEDESCR", "dl_uptime"}, device


@pytest.mark.parametrize("path", ["network/interfaces", "network/powerProduction"])
def test_a_path_that_only_a_session_gets_is_passed_on(boot: Boot, serve: Serve, path: str) -> None:
    pvs = boot()
    compat = serve(pvs)
    compat.wait_ready()
    target = f"/cgi-bin/dl_cgi/{path}"
    for _ in range(2):
        answer = compat.get(target)
        assert (answer.status, answer.json()["result"]) == (200, "succeed")
    assert pvs.stats()["by_path"][target] == 1
    assert pvs.stats()["logins"] == 1


def test_a_session_that_has_ended_is_renewed_for_such_a_path(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    compat.wait_ready()
    pvs.call(lambda box: box.sessions.clear())
    assert compat.get("/cgi-bin/dl_cgi/network/interfaces").status == 200
    assert pvs.stats()["logins"] == 2


def test_firmware_that_refuses_such_a_path_is_not_logged_in_to_again(
    boot: Boot, serve: Serve
) -> None:
    pvs = boot(devices_list="closed")
    compat = serve(pvs)
    compat.wait_ready()
    target = "/cgi-bin/dl_cgi/network/interfaces"
    for _ in range(3):
        answer = compat.get(target)
        assert answer.status == 404
        assert set(answer.json()) == {"result", "error", "hint"}
    assert pvs.stats()["by_path"][target] == 2
    assert pvs.stats()["logins"] == 1


def test_devices_list_is_the_device_list(boot: Boot, serve: Serve) -> None:
    compat = serve(boot())
    assert compat.get("/cgi-bin/dl_cgi/devices/list").body == compat.get().body


@pytest.mark.parametrize("target", ["?Command=SetAP", "?Command=", "", "/what"])
def test_an_unknown_request_is_refused_with_a_hint(boot: Boot, serve: Serve, target: str) -> None:
    answer = serve(boot()).get(f"/cgi-bin/dl_cgi{target}")
    assert answer.status == 404
    assert set(answer.json()) == {"result", "error", "hint"}


def secrets(pvs: Simulator) -> list[str]:
    """Return secrets that the PVS publishes, and the bridge must not."""
    return pvs.call(lambda box: [box.state.hotspot, box.state.hotspot_key])


def test_no_answer_holds_the_hotspot_s_key(boot: Boot, serve: Serve) -> None:
    pvs = boot(battery=True)
    compat: Compat = serve(pvs)
    compat.wait_ready()
    targets = (DEVICE_LIST, STORAGE, "/ready", "/cgi-bin/dl_cgi?Command=Get_Comm")
    everything = b"".join(compat.get(target).body for target in targets).decode()
    assert [each for each in secrets(pvs) if each in everything] == []


def test_ready_does_not_contain_the_serial_number(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    ready = serve(pvs).wait_ready().json()
    assert (ready["model"], ready["build"], ready["error"]) == ("PVS6", 61846, None)
    assert pvs.call(lambda box: box.state.serial) not in json.dumps(ready)


def test_head_gets_headers_only(boot: Boot, serve: Serve) -> None:
    answer = serve(boot()).get(method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 1000
