"""One reading for all clients: fresh, then stale for a while, then an error."""

from __future__ import annotations

import time

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.running import Compat

from pvs_bridge.compat import single_flight
from pvs_sim import Simulator


def readings(pvs: Simulator) -> int:
    """Count the readings that a PVS has sent."""
    return int(pvs.stats()["by_path"].get("/vars", 0))


def test_simultaneous_requests_get_the_same_reading(boot: Boot, serve: Serve) -> None:
    pvs = boot(latency_seconds=0.2)
    compat = serve(pvs)
    answers = compat.volley(32)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert readings(pvs) == 1


def test_a_later_request_gets_it_too_with_its_age(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs)
    assert compat.get().headers["Age"] == "0"
    time.sleep(1.1)
    answer = compat.get()
    assert (answer.headers["Age"], "Warning" in answer.headers) == ("1", False)
    assert readings(pvs) == 1


def test_an_old_reading_is_replaced(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0.2)
    compat.get()
    time.sleep(0.3)
    assert compat.get().headers["Age"] == "0"
    assert readings(pvs) == 2


def restarting(boot: Boot, serve: Serve, stale_seconds: float) -> tuple[Simulator, Compat]:
    """Read a PVS, then restart it."""
    pvs = boot()
    compat = serve(pvs, cache_seconds=0, stale_seconds=stale_seconds)
    assert compat.get().status == 200
    pvs.call(lambda box: box.restart("test", seconds=60, phases=(("503", 1.0),)))
    return pvs, compat


def test_during_a_restart_the_last_reading_is_served_and_marked(boot: Boot, serve: Serve) -> None:
    _, compat = restarting(boot, serve, 900)
    time.sleep(1.1)
    answer = compat.get()
    assert (answer.status, answer.headers["Age"]) == (200, "1")
    assert answer.headers["Warning"] == '110 pvs-bridge "Response is Stale"'
    assert answer.json()["result"] == "succeed"


@pytest.mark.usefixtures("hurry")
def test_a_reading_that_is_too_old_is_replaced_by_503(boot: Boot, serve: Serve) -> None:
    _, compat = restarting(boot, serve, 0.5)
    assert compat.get().status == 200
    time.sleep(0.6)
    answer = compat.get()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "15")
    said = answer.json()
    assert (said["result"], set(said)) == ("error", {"result", "error", "hint"})
    assert "restarting" in said["error"]
    assert compat.get("/ready").json()["error"] == said["error"]


@pytest.mark.usefixtures("hurry")
def test_after_the_restart_answers_are_fresh_again(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    compat.get()
    pvs.call(lambda box: box.restart("test", seconds=0.3, phases=(("silence", 1.0),)))
    time.sleep(0.4)
    answer = compat.get()
    assert (answer.status, answer.headers["Age"]) == (200, "0")
    assert "Warning" not in answer.headers


def test_an_outage_causes_one_request_for_all_clients(boot: Boot, serve: Serve) -> None:
    pvs, compat = restarting(boot, serve, 900)
    before = pvs.stats()["requests"]
    compat.volley(20)
    assert pvs.stats()["requests"] - before <= 1


def test_a_client_that_can_get_a_stale_reading_waits_briefly(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_flight, "WAIT_SECONDS", 0.2)
    pvs = boot()
    compat = serve(pvs, cache_seconds=0)
    compat.get()
    pvs.call(lambda box: box.set_settings({"latency_scale": 40.0, "latency_seconds": 0.05}))
    began = time.monotonic()
    answer = compat.get()
    assert "Warning" in answer.headers
    assert time.monotonic() - began < 1


def test_a_client_that_disconnects_does_not_cancel_the_reading(boot: Boot, serve: Serve) -> None:
    pvs = boot(latency_seconds=0.05, latency_scale=20.0)
    compat = serve(pvs)
    compat.abandon(after_seconds=0.3)
    assert compat.get().status == 200
    assert readings(pvs) == 1
