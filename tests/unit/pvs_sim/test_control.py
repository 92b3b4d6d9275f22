"""The control port: counters, truth, and errors that name the key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pvs_sim.client import Answer, Control, exchange, fetch

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]
Ask = Callable[..., Answer]


def test_stats_tell_what_was_asked(boot: Boot, ask: Ask) -> None:
    sim = boot()
    ask(sim, "Stop")
    ask(sim, "Stop")
    fetch(sim.http_url + "/none", headers={"User-Agent": "tester/1", "X-Trace": "y" * 400})
    stats = Control(sim.control_url).get("stats")
    assert stats["requests"] == 3
    assert stats["by_command"] == {"Stop": 2}
    assert stats["by_path"] == {"/cgi-bin/dl_cgi": 2, "/none": 1}
    assert stats["by_status"] == {"200": 2, "404": 1}
    assert stats["phase"] == "up"
    last = stats["log"][-1]
    assert last["number"] == 3
    assert last["line"] == "GET /none HTTP/1.1"
    assert (last["method"], last["path"], last["kind"]) == ("GET", "/none", "static")
    assert ["User-Agent", "tester/1"] in last["headers"]
    assert ["X-Trace", "y" * 256] in last["headers"]
    assert last["started"] <= last["ended"]


def test_the_control_port_is_not_counted(boot: Boot) -> None:
    sim = boot()
    control = Control(sim.control_url)
    control.get("stats")
    assert control.get("stats")["requests"] == 0


def test_the_log_is_bounded_and_can_be_cut_or_left_out(boot: Boot, ask: Ask) -> None:
    sim = boot(log_size=4)
    for _ in range(6):
        ask(sim, "Stop")
    control = Control(sim.control_url)
    assert [record["number"] for record in control.get("stats")["log"]] == [3, 4, 5, 6]
    assert [record["number"] for record in control.get("stats?log=2")["log"]] == [5, 6]
    assert control.get("stats?log=0")["log"] == []
    assert control.get("stats")["requests"] == 6


def test_many_different_paths_are_counted_together(boot: Boot) -> None:
    sim = boot()
    lines = b"".join(b"GET /p%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(249))
    last = b"GET /last HTTP/1.1\r\nConnection: close\r\n\r\n"
    exchange(sim.ports["http"] or 0, lines + last)
    counted = sim.stats()["by_path"]
    assert len(counted) == 201
    assert counted["(other)"] == 50


def test_a_reset_sets_the_counters_to_zero_and_leaves_the_state(boot: Boot, ask: Ask) -> None:
    sim = boot(firmware=61846)
    ask(sim, "SetAP")
    sim.call(lambda box: box.sessions.open())
    control = Control(sim.control_url)
    control.post("settings", latency_scale=2.0)
    control.post("faults", add={"kind": "500"})
    control.post("reset")
    stats = control.get("stats")
    assert (stats["requests"], stats["writes"]["count"], stats["log"]) == (0, 0, [])
    assert (stats["by_command"], stats["by_status"]) == ({}, {})
    assert stats["most_in_flight"] == {"total": 0, "cgi": 0, "varserver": 0}
    assert stats["sessions"] == 1
    assert control.get("settings")["latency_scale"] == 2.0
    control.post("reset", state=True)
    assert control.get("stats")["sessions"] == 0
    assert control.get("settings")["latency_scale"] == 1.0
    assert control.get("faults") == {"faults": []}


def test_settings_change_while_it_runs(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1)
    control = Control(sim.control_url)
    changed = control.post("settings", crash_requests=1, restart_phases={"503": 2}, br_hang=False)
    assert changed["crash_requests"] == 1
    assert changed["restart_phases"] == {"503": 2}
    assert changed["br_hang"] is False
    assert changed["latency_seconds"] == 0.0
    assert control.get("settings") == changed
    assert [ask(sim, "Stop").status for _ in range(2)] == [200, 503]


def test_the_clock_is_set_scaled_and_advanced(boot: Boot) -> None:
    control = Control(boot().control_url)
    assert control.get("clock") == {
        "now": "2025-01-15T20:00:00Z",
        "seconds": 1_736_971_200.0,
        "scale": 0.0,
    }
    assert control.post("clock", advance_seconds=90)["now"] == "2025-01-15T20:01:30Z"
    assert control.post("clock", now="2025-07-01T03:00:00+01:00")["now"] == "2025-07-01T02:00:00Z"
    assert control.post("clock", scale=100_000)["scale"] == 100_000
    assert control.get("clock")["seconds"] > 1_751_335_200
    assert control.post("clock", now="now", scale=0)["now"] > "2025-07-02"


def test_the_plant_is_told_unrounded(boot: Boot) -> None:
    truth = Control(boot(panels=3).control_url).get("plant")
    reading = truth["reading"]
    assert len(reading["panels"]) == 3
    assert reading["battery"] is None
    assert sum(p["power_kw"] for p in reading["panels"]) == pytest.approx(reading["live"]["pv_p"])
    assert truth["state"]["site_type"] == "residential"


def test_the_firmware_can_be_asked_for(boot: Boot) -> None:
    told = Control(boot(firmware=61840).control_url).get("firmware")
    assert told == {
        "build": 61840,
        "model": "PVS6",
        "locked": True,
        "version": "2025.06, Build 61840",
    }


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("reset", {"everything": True}, "everything: is not known here; known are state"),
        ("reset", {"state": 1}, "state: 1 is not a bool"),
        ("faults", {"fault": {}}, "fault: is not known here"),
        ("faults", {"clear": "all"}, "clear: 'all' is not true or one of 500"),
        ("faults", {"add": "500"}, "fault: give an object"),
        ("faults", {"add": {}}, "kind: is missing"),
        ("faults", {"add": {"kind": "500", "times": 3}}, "times: is not a key of 500"),
        ("faults", {"add": {"kind": "500", "count": True}}, "count: True"),
        ("faults", {"add": {"kind": "slow", "bytes_per_second": "x"}}, "bytes_per_second: 'x'"),
        ("settings", {"latency": 1}, "latency: is not a setting; known are latency_seconds"),
        ("settings", {"latency_scale": -1}, "latency_scale: -1 is out of range; give 0 or more"),
        ("settings", {"latency_scale": "1"}, "latency_scale: '1' is not a number"),
        ("settings", {"crash_in_flight": 1.5}, "crash_in_flight: 1.5 is not a whole number"),
        ("settings", {"random_403": 2}, "random_403: 2 is out of range; give 0 to 1"),
        ("settings", {"framing": "odd"}, "framing: 'odd' is not known; give one of length"),
        ("settings", {"br_hang": "on"}, "br_hang: 'on' is not true or false"),
        ("settings", {"restart_phases": {"dance": 1}}, "restart_phases: 'dance' is not a phase"),
        ("settings", {"restart_phases": {"503": 0}}, "restart_phases: all weights are 0"),
        ("settings", {"restart_phases": []}, "restart_phases: [] has no phases"),
        ("restart", {"seconds": -1}, "restart_seconds: -1 is out of range"),
        ("restart", {"seconds": "soon"}, "seconds: 'soon' is not a number"),
        ("restart", {"phases": {"x": 1}}, "restart_phases: 'x' is not a phase"),
        ("firmware", {}, "build: is missing"),
        ("firmware", {"build": "61846"}, "build: '61846' is not a int"),
        ("firmware", {"build": 0}, "build: 0 is not a whole number from 1"),
        ("firmware", {"build": 61846, "seconds": -1}, "seconds: -1 is below 0"),
        ("clock", {"now": "noon"}, "now: 'noon' is not `now` or an ISO instant"),
        ("clock", {"now": "1999-01-01"}, "now: the plant exists from 2025-01-02"),
        ("clock", {"scale": -1}, "scale: -1 is below 0"),
        ("clock", {"speed": 1}, "speed: is not known here; known are now"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(
    boot: Boot, name: str, data: dict[str, object], says: str
) -> None:
    sim = boot()
    control = Control(sim.control_url)
    before = [control.get(n) for n in ("settings", "faults", "firmware", "clock")]
    with pytest.raises(RuntimeError) as caught:
        control.post(name, **data)
    assert str(caught.value).startswith(f"400: {says}")
    assert [control.get(n) for n in ("settings", "faults", "firmware", "clock")] == before
    assert sim.stats()["restarts"]["count"] == 0


@pytest.mark.parametrize(
    ("body", "says"), [(b"{", "is not JSON"), (b"[1]", "is not a JSON object")]
)
def test_a_body_that_is_not_a_json_object_is_refused(boot: Boot, body: bytes, says: str) -> None:
    answer = fetch(f"{boot().control_url}/_sim/reset", method="POST", body=body)
    assert answer.status == 400
    assert says in answer.json()["error"]


@pytest.mark.parametrize("query", ["log=some", "log=-1", "full=1"])
def test_stats_refuse_what_they_do_not_know(boot: Boot, query: str) -> None:
    answer = fetch(f"{boot().control_url}/_sim/stats?{query}")
    assert answer.status == 400
    assert answer.json()["error"].startswith(query.split("=")[0] + ": ")


def test_unknown_paths_and_wrong_methods_are_told_what_there_is(boot: Boot) -> None:
    url = boot().control_url
    missing = fetch(f"{url}/_sim/nothing")
    assert missing.status == 404
    assert "/_sim/stats" in missing.json()["error"]
    assert fetch(f"{url}/").status == fetch(f"{url}/cgi-bin/dl_cgi").status == 404
    wrong = fetch(f"{url}/_sim/restart")
    assert wrong.status == 405
    assert wrong.json()["error"] == "GET: not here; give POST"


def test_nonsense_on_the_control_port_is_refused(boot: Boot) -> None:
    answer = exchange(boot().ports["control"] or 0, b"nonsense\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 400 Bad Request\r\n")


def test_the_pvs_does_not_know_the_control_paths(boot: Boot) -> None:
    assert fetch(f"{boot().http_url}/_sim/stats").status == 404
