"""What is reported of real PVSs since the new API, on request."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from unit.pvs_sim.test_new_api import credentials, login, reading, variables

from pvs_sim.client import Answer, Control, fetch

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]
MODEL = "/vars?name=/sys/info/model"
LIST = "/cgi-bin/dl_cgi/devices/list"


def serials(sim: Simulator, query: str = "match=inverter") -> list[str]:
    answer = variables(sim, f"{query}&fmt=obj", login(sim))
    return [str(value) for name, value in answer.json().items() if name.endswith("/sn")]


def enter(sim: Simulator) -> Answer:
    return fetch(f"{sim.http_url}/auth?login", headers=credentials(sim))


@pytest.mark.parametrize(("http_api", "status"), [("off", 404), ("redirect", 301), ("on", 200)])
def test_the_new_api_answers_by_https_and_by_http_on_request(
    boot: Boot, http_api: str, status: int
) -> None:
    sim = boot(firmware=61846, https_port=0, http_api=http_api)
    answer = fetch(sim.http_url + MODEL)
    assert answer.status == status
    if status == 301:
        assert answer.header("Location") == sim.http_url.replace("http:", "https:") + MODEL
    assert fetch(sim.https_url + MODEL).status == 200
    assert fetch(f"{sim.http_url}/cgi-bin/dl_cgi/supervisor/info").status == 200


def test_the_new_api_is_off_by_http_unless_asked_for() -> None:
    from pvs_sim import Settings

    assert Settings().http_api == "off"


@pytest.mark.parametrize(
    ("chosen", "cookie"),
    [({"firmware": 61846}, True), ({"firmware": 61840}, False),
     ({"firmware": 5412, "model": "PVS5"}, False),
     ({"firmware": 61846, "session_cookie": False}, False),
     ({"firmware": 61840, "session_cookie": True}, True)],
)  # fmt: skip
def test_every_login_has_the_session_in_its_body(
    boot: Boot, chosen: dict[str, Any], *, cookie: bool
) -> None:
    answer = enter(boot(**chosen))
    assert len(answer.json()["session"]) > 40
    assert (answer.header("Set-Cookie") is not None) == cookie


def test_too_many_sessions_are_refused_until_one_ends(boot: Boot) -> None:
    sim = boot(firmware=61846, session_limit=2)
    held = [login(sim) for _ in range(2)]
    assert enter(sim).status == 403
    fetch(f"{sim.http_url}/auth?logout", headers=held[0])
    assert enter(sim).status == 200


def test_after_a_restart_devices_are_missing_for_a_while(boot: Boot) -> None:
    sim = boot(firmware=61846, panels=5, battery=True, incomplete_seconds=0.6)
    assert len(serials(sim)) == 5
    Control(sim.control_url).post("settings", incomplete_seconds=900, incomplete_inverters=2)
    Control(sim.control_url).post("restart", seconds=0)
    assert len(serials(sim)) == 2
    whole = reading(sim, login(sim))
    assert "/sys/devices/meter/1/sn" in whole
    assert not [name for name in whole if "/ess/" in name]
    Control(sim.control_url).post("settings", incomplete_seconds=0)
    assert len(serials(sim)) == 5


def test_a_named_cache_keeps_what_it_found_until_it_is_cleared(boot: Boot) -> None:
    sim = boot(firmware=61846, panels=5, incomplete_seconds=900, incomplete_inverters=2)
    Control(sim.control_url).post("restart", seconds=0)
    asked = "match=inverter&cache=mine"
    assert len(serials(sim, asked)) == 2
    Control(sim.control_url).post("settings", incomplete_seconds=0)
    assert len(serials(sim, asked)) == 2
    assert len(serials(sim, "match=inverter&cache=another")) == 5
    assert len(serials(sim, asked + "&clearcache=mine")) == 5
    Control(sim.control_url).post("restart", seconds=0)
    assert variables(sim, "cache=mine", login(sim)).status == 400


def test_ghosts_have_no_serial_number(boot: Boot) -> None:
    sim = boot(firmware=61846, panels=2, ghosts=3)
    assert serials(sim)[2:] == ["", "NO SERIAL NUMBER", "none"]


@pytest.mark.parametrize("modules", [1, 4])
def test_each_module_makes_the_serial_number_of_a_battery_longer(boot: Boot, modules: int) -> None:
    sim = boot(firmware=61707, battery=True, battery_modules=modules)
    listed = fetch(f"{sim.http_url}{LIST}").json()["devices"]
    (old,) = [each["SERIAL"] for each in listed if each.get("TYPE") == "EQUINOX-ESS"]
    sim.call(lambda box: box.install(61846))
    assert serials(sim, "match=/ess/") == [old]
    assert len(old) == 12 + 15 * modules


@pytest.mark.parametrize(
    ("model", "build", "names"),
    [("PVS6", 61846, {"wwan0", "wan0", "wan1", "sta0"}),
     ("PVS5", 5412, {"cell", "wan", "plc", "sta0"})],
)  # fmt: skip
def test_the_interfaces_are_named_by_model(
    boot: Boot, model: str, build: int, names: set[str]
) -> None:
    sim = boot(model=model, firmware=build)
    states = variables(sim, "match=/net/&fmt=obj", login(sim)).json()
    assert set(states) == {f"/net/{name}/state" for name in names}


def test_odd_values_are_not_strings_or_have_blanks(boot: Boot) -> None:
    sim = boot(firmware=61846, odd_values=True)
    whole: dict[str, Any] = variables(sim, "match=/&fmt=obj", login(sim)).json()
    assert {type(value) for value in whole.values()} >= {str, float, type(None), bool, list}
    padded = [v for v in whole.values() if isinstance(v, str) and v != v.strip()]
    assert padded
    assert whole["/sys/info/serialnum"] == sim.call(lambda box: box.state.serial)


def test_the_flash_can_be_worn(boot: Boot) -> None:
    sim = boot(firmware=61846, flash_usage=97, flash_wear=9)
    whole = reading(sim, login(sim))
    assert whole["/sys/info/flash_usage"] == "97"
    assert whole["/sys/pvs/flashwear_type_b"] == "0x09"


def test_variables_are_found_by_tag_and_by_instance(boot: Boot) -> None:
    sim = boot(firmware=61846, panels=3)
    assert len(serials(sim, "tags=inverter")) == 3
    assert len(serials(sim, "tags=inverter&instance=1")) == 1
    assert len(serials(sim, "tags=inverter,meter")) == 0


def test_a_session_still_reads_the_whole_list_without_a_battery_s_parts(boot: Boot) -> None:
    sim = boot(firmware=61846, panels=4, battery=True)
    cookie = login(sim)
    assert fetch(sim.http_url + LIST).status == 403
    listed = fetch(sim.http_url + LIST, headers=cookie).json()["devices"]
    assert len(listed) == 1 + 2 + 4
    for path in ("network/interfaces", "network/powerProduction"):
        url = f"{sim.http_url}/cgi-bin/dl_cgi/{path}"
        assert (fetch(url).status, fetch(url, headers=cookie).status) == (403, 200)
    assert fetch(f"{sim.http_url}/cgi-bin/swagger.json").json()["swagger"] == "2.0"
    old = f"{sim.http_url}/cgi-bin/dl_cgi?Command=DeviceList"
    assert fetch(old, headers=cookie).status == 403
    Control(sim.control_url).post("settings", devices_list="closed")
    assert fetch(sim.http_url + LIST, headers=cookie).status == 403


def test_posting_to_the_network_paths_is_a_write(boot: Boot) -> None:
    sim = boot(firmware=61846)
    url = f"{sim.http_url}/cgi-bin/dl_cgi/network/powerProduction"
    assert fetch(url, method="PUT", headers=login(sim)).status == 403
    assert sim.stats()["writes"]["list"][0]["what"] == "PUT network/powerProduction"


@pytest.mark.parametrize(
    ("chosen", "known"),
    [({"model": "PVS5", "firmware": 5408}, False), ({"model": "PVS5", "firmware": 5412}, True),
     ({"firmware": 61846, "empty_info": True}, False)],
)  # fmt: skip
def test_one_build_describes_itself_with_nothing(
    boot: Boot, chosen: dict[str, Any], *, known: bool
) -> None:
    sim = boot(**chosen)
    about = fetch(f"{sim.http_url}/cgi-bin/dl_cgi/supervisor/info").json()["supervisor"]
    assert bool(about) == known


def test_the_certificate_can_change(boot: Boot) -> None:
    sim = boot(https_port=0)
    address = ("127.0.0.1", sim.ports["https"] or 0)
    first = ssl.get_server_certificate(address)
    assert ssl.get_server_certificate(address) == first
    Control(sim.control_url).post("https", renew=True)
    assert fetch(sim.https_url + "/").status == 200
    assert ssl.get_server_certificate(address) != first


def test_the_port_of_https_can_close(boot: Boot) -> None:
    sim = boot(https_port=0)
    Control(sim.control_url).post("https", on=False)
    with pytest.raises(ConnectionRefusedError):
        fetch(sim.https_url + "/")
    Control(sim.control_url).post("https", on=True)
    assert fetch(sim.https_url + "/").status == 200
