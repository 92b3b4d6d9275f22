"""What the requests of /vars cost the PVS, and what they get while it does not answer."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.figures import served
from unit.compat.running import DEVICE_LIST, Answer, Compat
from unit.compat.test_clients import (
    BOTH,
    INVERTERS,
    LOCKED,
    OPEN,
    asked,
    check_refused,
    log_in,
    read,
    truth,
    wait_until_detected,
)

from pvs_bridge.compat import new_api
from pvs_sim import Simulator
from pvs_sim.clock import parse_instant
from pvs_sim.faults import Fault
from pvs_sim.varserver import TELEMETRY

pytestmark = pytest.mark.usefixtures("as_on_a_bridge")

WHOLE = "/vars?match=/sys/"
METERS, LIVE = f"{WHOLE}devices/meter/", f"{WHOLE}livedata/"
STORAGE = "/cgi-bin/dl_cgi/energy-storage-system/status"
GET_COMM = "/cgi-bin/dl_cgi?Command=Get_Comm"
ELSEWHERE = "name=/network/report/send"


def readings(pvs: Simulator) -> list[str]:
    """Return the requests of /vars that the PVS has got."""
    return [each for each in asked(pvs) if each.startswith("/vars")]


def test_eight_clients_cost_what_one_costs(boot: Boot, serve: Serve) -> None:
    pvs = boot(latency_seconds=0.1)
    compat = serve(pvs)
    sessions = [log_in(compat, pvs) for _ in range(8)]
    queries = ["match=/sys/devices/inverter/", "match=/sys/devices/meter/", "match=/sys/livedata/",
               "name=/sys/info/uptime", "match=/sys/", "match=/sys/devices/ess/", "match=/sys/info",
               "name=/sys/livedata/pv_p,/sys/info/model"]  # fmt: skip

    def poll(session: dict[str, str]) -> set[int]:
        return {compat.get(f"/vars?{query}", headers=session).status for query in queries}

    with ThreadPoolExecutor(8) as pool:
        statuses = set().union(*pool.map(poll, sessions))
    # The plant has no battery.
    assert statuses == {200, 400}
    assert readings(pvs) == [WHOLE]
    assert pvs.stats()["logins"] == 1
    assert pvs.stats()["most_in_flight"]["total"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [(INVERTERS, []), ("name=/sys/info/uptime", []), ("match=/sys/devices/meter/", [METERS]),
     ("match=/sys/livedata/", [LIVE]), ("name=/sys/livedata/pv_p", [LIVE]),
     ("match=/sys/", [METERS, LIVE])],
)  # fmt: skip
def test_meters_and_live_data_are_read_between_if_a_client_asks(
    boot: Boot, serve: Serve, query: str, expected: list[str]
) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=1)
    session = log_in(compat, pvs)
    read(compat, INVERTERS, session)
    time.sleep(1.1)
    pvs.call(lambda box: box.clock.set(box.clock.now() + 240))
    for _ in range(3):
        values = read(compat, query, session)
    assert readings(pvs) == [WHOLE, *expected]
    now = truth(pvs)
    part = [name for name in values if name.startswith(("/sys/devices/meter/", "/sys/livedata/"))]
    assert {name: values[name] for name in part} == {name: now[name] for name in part}


def test_both_kinds_of_clients_share_the_readings(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    compat.wait_ready()
    session = log_in(compat, pvs)
    read(compat, INVERTERS, session)
    assert compat.get().status == 200
    assert readings(pvs) == [WHOLE]


def test_a_pattern_costs_one_more_request_until_its_names_are_known(
    boot: Boot, serve: Serve
) -> None:
    pvs = boot(battery=True)
    compat = serve(pvs, cache_seconds=60)
    session = log_in(compat, pvs)
    for _ in range(3):
        read(compat, "match=inverter", session)
        assert "/ess/config/dcm/control_param/min_customer_soc" in read(
            compat, "match=ess", session
        )
    assert sorted(readings(pvs)) == sorted(["/vars?match=inverter", "/vars?match=ess", WHOLE])


@pytest.mark.parametrize("query", ["match=nothing", "tags=nothing", "match=/sys/nothing"])
def test_what_the_pvs_does_not_have_is_asked_once(boot: Boot, serve: Serve, query: str) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    session = log_in(compat, pvs)
    for _ in range(3):
        check_refused(compat.get(f"/vars?{query}", headers=session), 400)
    assert readings(pvs).count(f"/vars?{query}") == (0 if "/sys/" in query else 1)


def test_an_unknown_name_below_sys_is_not_asked(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    session = log_in(compat, pvs)
    answer = compat.get("/vars?name=/sys/info/model,/sys/nosuch", headers=session)
    check_refused(answer, 400)
    assert "/sys/nosuch" in answer.json()["error"]
    assert not [each for each in readings(pvs) if "nosuch" in each]


@pytest.mark.usefixtures("hurry")
def test_a_name_on_which_the_pvs_hangs_is_asked_again_only_after_a_restart(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(new_api, "HANG_SECONDS", 0.9)
    monkeypatch.setattr(new_api, "KEPT_SECONDS", 1.5)
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        pvs = boot()
        compat = serve(pvs, cache_seconds=0, timeout_seconds=1, stats_socket=str(socket))
        session = log_in(compat, pvs)
        read(compat, INVERTERS, session)
        time.sleep(0.2)
        target = "/vars?name=/nosuch"
        check_refused(compat.get(target, headers=session), 503)
        # haproxy takes that for a restart.
        figures.failures = 1
        time.sleep(0.3)
        for _ in range(3):
            check_refused(compat.get(target, headers=session), 400)
        assert readings(pvs).count(target) == 1
        time.sleep(1.5)
        figures.failures = 2
        time.sleep(0.3)
        check_refused(compat.get(target, headers=session), 503)
        assert readings(pvs).count(target) == 2


def test_other_queries_are_bounded(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvs = boot()
    compat = serve(pvs)
    session = log_in(compat, pvs)
    names = ",".join(f"/x/{number}" for number in range(17))
    answer = compat.get(f"/vars?name={names}", headers=session)
    check_refused(answer, 400)
    assert "16" in answer.json()["error"]
    monkeypatch.setattr(new_api, "_MOST_QUERIES", 2)
    for query in ("tags=meter", "tags=inverter", "tags=info", "tags=meter"):
        read(compat, query, session)
    assert readings(pvs).count("/vars?tags=meter") == 2
    read(compat, "tags=meter", session)
    assert readings(pvs).count("/vars?tags=meter") == 2


def test_a_name_for_a_query_is_kept_on_the_bridge(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    session = log_in(compat, pvs)
    named = read(compat, "match=/sys/livedata/&cache=ldata", session)
    answer = compat.get("/vars?cache=ldata", headers=session).json()
    assert {each["name"]: each["value"] for each in answer["values"]} == named
    check_refused(compat.get("/vars?cache=other", headers=session), 400)
    check_refused(compat.get("/vars?clearcache=ldata&cache=ldata", headers=session), 400)
    assert not [each for each in readings(pvs) if "cache" in each]


@pytest.mark.parametrize(
    "query",
    ["", "x", "name", "name=a&name=b", "other=1", "match=x&set=a=1", "fmt=obj", "cache=",
     "set=a", "set=a=1,b=2", "set=a=1&set=b=2", "match=%00", "match=a%26set%3Db", "name=\u00e9"],
)  # fmt: skip
def test_a_query_of_another_form_is_refused(boot: Boot, serve: Serve, query: str) -> None:
    pvs = boot()
    compat = serve(pvs)
    session = log_in(compat, pvs)
    check_refused(post(compat, query, session), 400)
    # The service itself reads everything after its start.
    assert set(readings(pvs)) <= {"/vars?match=/sys/"}


def post(compat: Compat, query: str, session: dict[str, str]) -> Answer:
    """Send a query as a body."""
    return compat.get("/vars", method="POST", headers=session, body=query.encode())


def test_a_body_is_read_like_a_query(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    session = log_in(compat, pvs)
    assert post(compat, INVERTERS, session).body == (
        compat.get(f"/vars?{INVERTERS}", headers=session).body
    )
    assert "POST" not in {record["line"].split()[0] for record in pvs.log()}


@pytest.mark.parametrize("by_post", [False, True])
def test_a_variable_is_set_once_and_read_afterwards(
    boot: Boot, serve: Serve, by_post: bool
) -> None:
    pvs = boot(websocket_port=0)
    compat = serve(pvs)
    session = log_in(compat, pvs)
    assert read(compat, f"name={TELEMETRY}", session) == {TELEMETRY: "0"}
    pvs.call(lambda box: box.sessions.clear())
    query = f"set={TELEMETRY}=1"
    answer = (
        post(compat, query, session) if by_post else compat.get(f"/vars?{query}", headers=session)
    )
    assert answer.status == 200
    assert answer.json()["values"] == [{"name": TELEMETRY, "value": "1"}]
    assert pvs.call(lambda box: [each.applied for each in box.counters.writes]) == [False, True]
    assert read(compat, f"name={TELEMETRY}", session) == {TELEMETRY: "1"}
    assert pvs.stats()["logins"] == 2


def test_a_variable_that_the_pvs_does_not_let_set_is_refused(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    session = log_in(compat, pvs)
    check_refused(compat.get("/vars?set=/sys/info/model=x", headers=session), 400)
    check_refused(compat.get("/vars?set=/sys/info/model=x"), 401)
    old = boot(firmware=OPEN)
    compat = serve(old)
    session = log_in(compat, old)
    check_refused(compat.get(f"/vars?set={TELEMETRY}=1", headers=session), 400)
    assert old.stats()["writes"]["count"] == 0


# While the PVS is away


@pytest.mark.parametrize("build", [OPEN, LOCKED])
@pytest.mark.usefixtures("hurry")
def test_during_a_restart_the_last_reading_is_marked_and_then_503(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch, build: int
) -> None:
    pvs = boot(firmware=build)
    compat = serve(pvs, cache_seconds=0, stale_seconds=2)
    session = log_in(compat, pvs)
    query = "/vars?match=/sys/devices/meter/"
    good = compat.get(query, headers=session)
    assert (good.status, "Warning" in good.headers) == (200, False)
    monkeypatch.setattr("pvs_bridge.compat.new_api.WHOLE_SECONDS", 0.0)
    monkeypatch.setattr("pvs_bridge.compat.old_api.WHOLE_SECONDS", 0.0)
    pvs.call(lambda box: box.restart("test", seconds=60, phases=(("503", 1.0),)))
    time.sleep(1.1)
    stale = compat.get(query, headers=session)
    assert (stale.status, stale.headers["Age"]) == (200, "1")
    assert stale.headers["Warning"] == '110 pvs-bridge "Response is Stale"'
    assert stale.body == good.body
    time.sleep(1.5)
    away = compat.get(query, headers=session)
    check_refused(away, 503)
    assert away.headers["Retry-After"] == "15"


@pytest.mark.parametrize("kind", ["error_result", "truncate", "headers_in_body", "html"])
@pytest.mark.parametrize(("build", "path"), [(OPEN, "/cgi-bin/dl_cgi"), (LOCKED, "/vars")])
@pytest.mark.usefixtures("hurry")
def test_a_damaged_answer_is_not_kept(
    boot: Boot, serve: Serve, kind: str, build: int, path: str
) -> None:
    pvs = boot(firmware=build)
    compat = serve(pvs)
    compat.wait_ready(200 if build == LOCKED else 503)
    compat_session = log_in(compat, pvs)
    time.sleep(0.2)
    pvs.call(lambda box: box.faults.add([Fault(kind, path=path, count=1)]))
    other = serve(pvs)
    time.sleep(0.3)
    assert compat.get(f"/vars?{INVERTERS}", headers=compat_session).status in {200, 503}
    assert len(read(compat, INVERTERS, compat_session)) > 10
    del other


# Older firmware


def test_older_firmware_answers_by_its_device_list(boot: Boot, serve: Serve) -> None:
    pvs = boot(firmware=OPEN, battery=True, panels=4)
    compat = serve(pvs)
    session = log_in(compat, pvs)
    wait_until_detected(pvs)
    before = asked(pvs)
    new = boot(firmware=LOCKED, battery=True, panels=4)
    for query in (INVERTERS, "match=/sys/livedata/", "match=/sys/devices/ess/"):
        values = read(compat, query, session)
        assert values
        assert set(values) <= set(truth(new))
    assert read(compat, "name=/sys/info/serialnum", session) == {
        "/sys/info/serialnum": truth(pvs)["/sys/info/serialnum"]
    }
    # 0 and empty texts stand for what the vendor's library needs.
    assert read(compat, "name=/sys/info/ssid", session) == {"/sys/info/ssid": ""}
    assert read(compat, "name=/sys/info/ram_usage,/sys/info/lmac", {}) == {
        "/sys/info/ram_usage": "0", "/sys/info/lmac": "",
    }  # fmt: skip
    assert asked(pvs)[len(before) :] == [DEVICE_LIST, STORAGE]
    assert read(compat, "match=/net/sta0", session) == {"/net/sta0/state": "online"}
    assert read(compat, "name=/sys/info/active_interface", {}) == {
        "/sys/info/active_interface": "sta0"
    }
    assert asked(pvs)[len(before) :] == [DEVICE_LIST, STORAGE, GET_COMM]
    for query in ("name=/sys/livedata/nosuch", "name=/network/report/send", "match=nothing",
                  "tags=meter", "match=/sys/devices/meter/*"):  # fmt: skip
        check_refused(compat.get(f"/vars?{query}", headers=session), 400)
    assert asked(pvs)[len(before) :] == [DEVICE_LIST, STORAGE, GET_COMM]
    assert pvs.stats()["logins"] + pvs.stats()["login_failures"] == 0


def test_firmware_with_both_apis_answers_by_the_new_one(boot: Boot, serve: Serve) -> None:
    pvs = boot(firmware=BOTH)
    compat = serve(pvs)
    session = log_in(compat, pvs)
    wait_until_detected(pvs)
    # DeviceList does not have it.
    assert read(compat, "name=/sys/pvs/usb_erase_count", session) == {
        "/sys/pvs/usb_erase_count": "0"
    }
    assert readings(pvs) == [WHOLE]


def test_an_update_that_is_not_detected_yet_costs_no_answer(boot: Boot, serve: Serve) -> None:
    pvs = boot(firmware=OPEN)
    compat = serve(pvs)
    session = log_in(compat, pvs)
    wait_until_detected(pvs)
    pvs.call(lambda box: box.install(LOCKED))
    assert len(read(compat, INVERTERS, session)) > 10
    assert readings(pvs) == [WHOLE]


def test_a_list_that_is_refused_until_a_power_cycle_is_told(boot: Boot, serve: Serve) -> None:
    pvs = boot(firmware=61828, random_403=1.0)
    compat = serve(pvs)
    session = log_in(compat, pvs)
    wait_until_detected(pvs)
    answer = compat.get(f"/vars?{INVERTERS}", headers=session)
    check_refused(answer, 503)
    assert "breaker" in answer.json()["hint"]


# At night


@pytest.mark.parametrize("build", [OPEN, LOCKED])
@pytest.mark.parametrize(("clock", "counts"), [("09:30", 0), ("20:00", 2)])
def test_the_pvs_rests_at_night(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch, build: int, clock: str, counts: int
) -> None:
    for module in ("new_api", "old_api"):
        monkeypatch.setattr(f"pvs_bridge.compat.{module}.WHOLE_SECONDS", 0.2)

    pvs = boot(firmware=build, clock=parse_instant(f"2025-06-15T{clock}:00Z"))
    compat = serve(pvs, cache_seconds=0.2, night_seconds=60)
    session = log_in(compat, pvs)
    wait_until_detected(pvs)
    read(compat, "match=/sys/", session)
    before = len(asked(pvs))
    for _ in range(2):
        time.sleep(0.3)
        read(compat, "match=/sys/", session)
    requests = [each for each in asked(pvs)[before:] if each in {WHOLE, DEVICE_LIST}]
    assert len(requests) == counts
