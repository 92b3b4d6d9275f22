"""Firmware: which build opens which door, and what changes with an update."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pvs_sim.client import Answer, Control, exchange, fetch

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]
Ask = Callable[..., Answer]

FORBIDDEN = b'{ "status":403, "error" : "Unauthorized", "path":"" }'


@pytest.mark.parametrize(
    ("options", "locked"),
    [
        ({}, False),
        ({"firmware": 61838}, False),
        ({"firmware": 61839}, False),
        ({"firmware": 61840}, True),
        ({"firmware": 61846}, True),
        ({"model": "PVS5"}, False),
        ({"model": "PVS5", "firmware": 5407}, False),
        ({"model": "PVS5", "firmware": 5408}, True),
    ],
)
def test_a_build_has_one_api_or_the_other_or_for_once_both(
    boot: Boot, ask: Ask, options: dict[str, Any], *, locked: bool
) -> None:
    sim = boot(panels=1, **options)
    new = locked or options == {"firmware": 61839}
    old = ask(sim, "DeviceList")
    assert old.status == (403 if locked else 200)
    assert (old.body == FORBIDDEN) == locked
    assert fetch(f"{sim.http_url}/auth?login").status == (401 if new else 404)
    assert fetch(f"{sim.http_url}/vars?match=/sys/info/").status == (200 if new else 404)
    assert fetch(f"{sim.http_url}/cgi-bin/dl_cgi/supervisor/info").status == 200
    assert fetch(f"{sim.http_url}/").status == 200


def test_the_default_build_is_61707(boot: Boot) -> None:
    assert boot().stats()["firmware"] == 61707
    assert boot(model="PVS5").stats()["firmware"] == 5400


def test_an_update_in_mid_flight_locks_the_old_api_on_a_living_connection(boot: Boot) -> None:
    sim = boot(panels=1)
    request = b"GET /cgi-bin/dl_cgi?Command=Stop HTTP/1.1\r\nHost: x\r\n%b\r\n"
    assert exchange(sim.ports["http"] or 0, request % b"Connection: close\r\n")[9:12] == b"200"
    told = Control(sim.control_url).post("firmware", build=61846)
    assert told == {
        "build": 61846,
        "model": "PVS6",
        "locked": True,
        "version": "2025.10, Build 61846",
    }
    assert exchange(sim.ports["http"] or 0, request % b"Connection: close\r\n")[9:12] == b"403"
    assert sim.stats()["restarts"]["count"] == 0


def test_an_update_with_a_restart_comes_up_with_the_new_build(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, restart_phases=(("503", 1.0),))
    control = Control(sim.control_url)
    control.post("firmware", build=61846, restart=True, seconds=300)
    assert ask(sim, "DeviceList").status == 503
    assert sim.stats()["restarts"]["list"][0]["reason"] == "update to 61846"
    control.post("restart", seconds=0)
    assert ask(sim, "DeviceList").status == 403


def test_an_update_ends_all_sessions_and_switches_telemetry_off(boot: Boot) -> None:
    sim = boot(firmware=61840)

    def enter(box: Any) -> None:  # noqa: ANN401 - a Box
        box.sessions.open()
        box.state.telemetry = "1"

    sim.call(enter)
    assert sim.stats()["sessions"] == 1
    Control(sim.control_url).post("firmware", build=61846)
    stats = sim.stats()
    assert (stats["sessions"], stats["telemetry"]) == (0, False)


@pytest.mark.parametrize("build", [61827, 61828, 61829])
def test_some_builds_answer_403_at_random_until_power_cycled(
    boot: Boot, ask: Ask, build: int
) -> None:
    sim = boot(firmware=build)
    statuses = [ask(sim, "Stop").status for _ in range(30)]
    assert set(statuses) == {200, 403}
    assert 2 <= statuses.count(403) <= 16
    info = f"{sim.http_url}/cgi-bin/dl_cgi/supervisor/info"
    assert {fetch(info).status for _ in range(10)} == {200}
    Control(sim.control_url).post("restart", seconds=0)
    assert {ask(sim, "Stop").status for _ in range(20)} == {200}


def test_the_random_403_is_the_same_on_every_run(boot: Boot, ask: Ask) -> None:
    runs = [[ask(sim, "Stop").status for _ in range(15)]
            for sim in (boot(firmware=61828), boot(firmware=61828))]  # fmt: skip
    assert runs[0] == runs[1]


def test_the_random_403_can_be_had_on_any_build(boot: Boot, ask: Ask) -> None:
    sim = boot(random_403=1.0)
    assert ask(sim, "Stop").status == 403
    control = Control(sim.control_url)
    control.post("restart", seconds=0)
    assert ask(sim, "Stop").status == 200
    control.post("settings", random_403=1.0)
    assert ask(sim, "Stop").status == 403


@pytest.mark.parametrize("coding", ["br", "gzip, deflate, br", "gzip;q=1.0, BR ;q=0.5"])
def test_build_61707_hangs_on_brotli(boot: Boot, coding: str) -> None:
    sim = boot()
    url = f"{sim.http_url}/cgi-bin/dl_cgi?Command=Stop"
    with pytest.raises(TimeoutError):
        fetch(url, headers={"Accept-Encoding": coding}, timeout=0.15)
    assert fetch(url, headers={"Accept-Encoding": "gzip, brotli"}).status == 200


@pytest.mark.parametrize("options", [{"firmware": 61640}, {"br_hang": False}])
def test_other_builds_do_not_mind_brotli(boot: Boot, options: dict[str, Any]) -> None:
    url = f"{boot(**options).http_url}/cgi-bin/dl_cgi?Command=Stop"
    assert fetch(url, headers={"Accept-Encoding": "br"}).status == 200
