"""The new API: logging in, reading and setting variables."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pvs_sim.client import Answer, Control, fetch

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]

INVERTER = (
    "freqHz i3phsumA iMppt1A ltea3phsumKwh msmtEps p3phsumKw pMppt1Kw prodMdlNm sn tHtsnkDegc "
    "vMppt1V vln3phavgV"
)
METER = (
    "ctSclFctr freqHz i1A i2A msmtEps negLtea3phsumKwh netLtea3phsumKwh p1Kw p2Kw p3phsumKw "
    "posLtea3phsumKwh prodMdlNm q3phsumKvar s3phsumKva sn totPfRto v12V v1nV v2nV"
)
INFO = (
    "serialnum model hwrev uptime fwrev boardtype sw_rev ssid wpa_key lmac sys_type finance_type "
    "active_interface active_interface_mac ram_usage flash_usage cpu_usage"
)
LIVEDATA = (
    "time pv_p pv_en net_p net_en site_load_p site_load_en ess_en ess_p soc backupTimeRemaining "
    "midstate"
)
OTHER = (
    "/network/report/send /metrics/network/interface_report_request "
    "/sys/toggle_cell/low_data_mode /sys/toggle_cell/cell_connected "
    "/sys/toggle_cell/broadband_connected /net/wwan0/state /net/wan0/state /net/wan1/state "
    "/net/sta0/state /sys/pvs/flashwear_type_b /sys/pvs/usb_erase_count /sys/telemetryws/enable"
)


@pytest.fixture
def sim(boot: Boot) -> Simulator:
    return boot(panels=2, firmware=61846)


def below(prefix: str, names: str) -> list[str]:
    return [prefix + name for name in names.split()]


def credentials(
    sim: Simulator, scheme: str = "basic", password: str | None = None
) -> dict[str, str]:
    secret = sim.call(lambda box: box.state.password) if password is None else password
    token = base64.b64encode(f"ssm_owner:{secret}".encode()).decode()
    return {"Authorization": f"{scheme} {token}"}


def login(sim: Simulator) -> dict[str, str]:
    answer = fetch(f"{sim.http_url}/auth?login", headers=credentials(sim))
    return {"Cookie": f"session={answer.json()['session']}"}


def variables(sim: Simulator, query: str, cookie: dict[str, str] | None = None) -> Answer:
    return fetch(f"{sim.http_url}/vars?{query}", headers=cookie or {})


def reading(sim: Simulator, cookie: dict[str, str]) -> dict[str, str]:
    whole: dict[str, str] = variables(sim, "match=/&fmt=obj", cookie).json()
    return whole


@pytest.mark.parametrize("scheme", ["basic", "Basic", "BASIC"])
def test_logging_in_gives_a_session_and_a_guarded_cookie(sim: Simulator, scheme: str) -> None:
    answer = fetch(f"{sim.http_url}/auth?login", headers=credentials(sim, scheme))
    session = answer.json()["session"]
    assert len(session) > 40
    assert answer.header("Set-Cookie") == f"session={session}; HttpOnly; Secure"
    assert sim.stats()["logins"] == 1
    assert sim.stats()["sessions"] == 1


def test_the_password_is_the_last_five_characters_of_the_serial_number(boot: Boot) -> None:
    sim = boot(firmware=61846, serial="ZT770175000612B4242")
    good = credentials(sim, password="B4242")  # noqa: S106 - the simulator's own
    assert fetch(f"{sim.http_url}/auth?login", headers=good).status == 200


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "basic"},
        {"Authorization": "basic !!!"},
        {"Authorization": "basic " + base64.b64encode(b"ssm_owner:00000").decode()},
        {"Authorization": "bearer abc"},
    ],
)
def test_a_bad_login_is_refused_and_counted(sim: Simulator, header: dict[str, str]) -> None:
    answer = fetch(f"{sim.http_url}/auth?login", headers=header)
    assert answer.status == 401
    assert answer.header("Set-Cookie") is None
    stats = sim.stats()
    assert (stats["logins"], stats["login_failures"], stats["sessions"]) == (0, 1, 0)


def test_a_session_can_be_checked_and_ended(sim: Simulator) -> None:
    cookie = login(sim)
    assert fetch(f"{sim.http_url}/auth?check", headers=cookie).status == 200
    assert fetch(f"{sim.http_url}/auth?logout", headers=cookie).status == 200
    assert fetch(f"{sim.http_url}/auth?check", headers=cookie).status == 401
    assert variables(sim, "match=livedata", cookie).status == 403
    assert sim.stats()["logouts"] == 1
    assert fetch(f"{sim.http_url}/auth", headers=cookie).status == 400


def test_a_session_ends_by_age_with_the_chosen_status(boot: Boot) -> None:
    sim = boot(firmware=61846, session_seconds=0.6)
    cookie = login(sim)
    assert variables(sim, "match=livedata", cookie).status == 200
    time.sleep(0.65)
    for status in (401, 403, 500):
        Control(sim.control_url).post("settings", expired_status=status)
        assert variables(sim, "match=livedata", cookie).status == status
    assert sim.stats()["sessions"] == 0
    assert variables(sim, "match=livedata", login(sim)).status == 200


def test_two_sessions_live_side_by_side(sim: Simulator) -> None:
    one, two = login(sim), login(sim)
    assert one != two
    assert {variables(sim, "match=livedata", cookie).status for cookie in (one, two)} == {200}
    assert sim.stats()["sessions"] == 2


def test_info_needs_no_login_and_the_rest_does(sim: Simulator) -> None:
    answer = variables(sim, "name=/sys/info/serialnum,/sys/info/wpa_key")
    assert answer.status == 200
    serial = sim.call(lambda box: box.state.serial)
    assert answer.json()["values"][0] == {"name": "/sys/info/serialnum", "value": serial}
    assert variables(sim, "match=/sys/info/").json()["count"] == 17
    for query in ("name=/sys/livedata/pv_p", "match=sys", "set=/sys/telemetryws/enable=1"):
        assert variables(sim, query).status == 401


def test_names_are_answered_in_the_order_asked_for(sim: Simulator) -> None:
    cookie = login(sim)
    names = ["/sys/livedata/soc", "/sys/info/model", "/sys/livedata/pv_p"]
    answer = variables(sim, "name=" + ",".join(names), cookie).json()
    assert list(answer) == ["values", "count"]
    assert [value["name"] for value in answer["values"]] == names
    assert answer["values"][0] == {"name": "/sys/livedata/soc", "value": "nan"}
    assert answer["count"] == 3


def test_a_whole_reading_has_every_variable_in_order_and_all_are_strings(sim: Simulator) -> None:
    whole = reading(sim, login(sim))
    wanted = below("/sys/info/", INFO) + OTHER.split() + below("/sys/livedata/", LIVEDATA)
    for index in range(2):
        wanted += below(f"/sys/devices/meter/{index}/", METER)
    for index in range(2):
        wanted += below(f"/sys/devices/inverter/{index}/", INVERTER)
    assert list(whole) == wanted
    assert {type(value) for value in whole.values()} == {str}
    assert whole["/sys/info/sw_rev"] == "2025.10.13.61846"
    assert whole["/sys/info/sys_type"] == "PV-only"


def test_variables_tell_the_plant_as_it_is(sim: Simulator) -> None:
    truth: dict[str, Any] = Control(sim.control_url).get("plant")["reading"]
    whole = reading(sim, login(sim))
    for index, panel in enumerate(truth["panels"]):
        path = f"/sys/devices/inverter/{index}/"
        assert whole[path + "sn"] == panel["serial"]
        assert whole[path + "msmtEps"] == "2025-01-15T20:00:00Z"
        assert float(whole[path + "p3phsumKw"]) == pytest.approx(panel["power_kw"], abs=1e-6)
        assert float(whole[path + "ltea3phsumKwh"]) == pytest.approx(panel["energy_kwh"], abs=1e-6)
    meter = truth["consumption"]
    for name, key in (("net", "net_kwh"), ("pos", "import_kwh"), ("neg", "export_kwh")):
        value = float(whole[f"/sys/devices/meter/1/{name}Ltea3phsumKwh"])
        assert value == pytest.approx(meter[key], abs=1e-6)
    assert float(whole["/sys/livedata/pv_p"]) == pytest.approx(truth["live"]["pv_p"], abs=1e-6)


def test_a_battery_adds_its_variables(boot: Boot) -> None:
    sim = boot(panels=1, battery=True, firmware=61846)
    whole = reading(sim, login(sim))
    assert whole["/sys/info/sys_type"] == "storage"
    assert float(whole["/sys/livedata/soc"]) == float(whole["/sys/devices/ess/0/socVal"])
    assert len([name for name in whole if name.startswith("/sys/devices/ess/0/")]) == 20
    assert len([name for name in whole if name.startswith("/sys/devices/transfer_switch/")]) == 11


def test_at_night_the_last_measurement_stays_with_its_old_time(sim: Simulator) -> None:
    Control(sim.control_url).post("clock", now="2025-01-16T08:00:00Z")
    whole = reading(sim, login(sim))
    assert whole["/sys/devices/inverter/0/p3phsumKw"] == "0.000000"
    assert whole["/sys/devices/inverter/0/msmtEps"].startswith("2025-01-16T00:")
    assert whole["/sys/devices/meter/0/msmtEps"] == "2025-01-16T08:00:00Z"


def test_a_query_can_be_remembered_and_asked_again(sim: Simulator) -> None:
    cookie = login(sim)
    first = variables(sim, "match=livedata&fmt=obj&cache=mine", cookie).json()
    Control(sim.control_url).post("clock", advance_seconds=60)
    again = variables(sim, "cache=mine&fmt=obj", cookie).json()
    assert list(again) == list(first)
    assert int(again["/sys/livedata/time"]) == int(first["/sys/livedata/time"]) + 60
    assert variables(sim, "cache=other", cookie).status == 400


def test_no_such_devices_is_a_bad_request(sim: Simulator) -> None:
    assert variables(sim, "match=/sys/devices/ess/", login(sim)).status == 400
    assert variables(sim, "", login(sim)).status == 400


@pytest.mark.parametrize("query", ["name=/sys/info/none", "set=/sys/none=1"])
def test_an_unknown_name_is_never_answered(sim: Simulator, query: str) -> None:
    cookie = login(sim)
    with pytest.raises(TimeoutError):
        fetch(f"{sim.http_url}/vars?{query}", headers=cookie, timeout=0.15)
    assert variables(sim, "match=livedata", cookie).status == 200


def test_a_post_asks_the_same_as_a_query(sim: Simulator) -> None:
    cookie = login(sim)
    body = b"name=/sys/info/sw_rev"
    headers = {**cookie, "Content-Type": "text/plain"}
    posted = fetch(f"{sim.http_url}/vars", method="POST", headers=headers, body=body)
    assert posted.json() == variables(sim, body.decode(), cookie).json()


@pytest.mark.parametrize(
    "body", ["set=/sys/telemetryws/enable=1", "SET=%2fsys/telemetryws/enable%3D1"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_variable_that_can_be_set_is_set_and_counted(
    sim: Simulator, method: str, body: str
) -> None:
    cookie = login(sim)
    url = f"{sim.http_url}/vars"
    if method == "GET":
        answer = fetch(f"{url}?{body}", headers=cookie)
    else:
        answer = fetch(url, method="POST", headers=cookie, body=body.encode())
    assert answer.json()["values"] == [{"name": "/sys/telemetryws/enable", "value": "1"}]
    stats = sim.stats()
    (write,) = stats["writes"]["list"]
    assert write["what"] == "set=/sys/telemetryws/enable=1"
    assert write["applied"] is True
    assert stats["telemetry"] is True


def test_a_variable_that_cannot_be_set_is_not_but_the_attempt_counts(sim: Simulator) -> None:
    cookie = login(sim)
    before = variables(sim, "name=/sys/info/serialnum", cookie).json()
    assert variables(sim, "set=/sys/info/serialnum=X", cookie).status == 400
    assert variables(sim, "set=nonsense", cookie).status == 400
    assert variables(sim, "name=/sys/info/serialnum", cookie).json() == before
    assert [write["applied"] for write in sim.stats()["writes"]["list"]] == [False, False]


def test_setting_without_a_session_changes_nothing_but_counts(sim: Simulator) -> None:
    assert variables(sim, "set=/sys/telemetryws/enable=1").status == 401
    stats = sim.stats()
    assert stats["telemetry"] is False
    assert [write["applied"] for write in stats["writes"]["list"]] == [False]


def test_https_and_http_share_their_sessions(boot: Boot) -> None:
    sim = boot(firmware=61846, https_port=0)
    cookie = login(sim)
    assert fetch(f"{sim.https_url}/vars?match=livedata", headers=cookie).status == 200


def test_requests_to_the_new_api_are_counted_apart(sim: Simulator) -> None:
    cookie = login(sim)
    variables(sim, "match=livedata", cookie)
    stats = sim.stats()
    assert stats["by_command"] == {"auth?login": 1, "vars": 1}
    assert stats["most_in_flight"] == {"total": 1, "cgi": 0, "varserver": 1}
    headers = dict(map(tuple, sim.log()[0]["headers"]))
    assert headers["Authorization"] == "basic"


def test_a_lost_session_does_not_break_a_connection(sim: Simulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sim.ports["http"] or 0, timeout=5)
    for status in (403, 403):
        connection.request("GET", "/vars?match=livedata", headers={"Cookie": "session=none"})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()
    assert sim.stats()["connections"] == 1
