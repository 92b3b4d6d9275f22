"""The identity of the PVS is found with few requests, stored, and updated when it changes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.figures import served
from unit.compat.running import Compat, config_for

from pvs_bridge.compat.haproxy_stats import Counters, read_counters
from pvs_bridge.pvs.firmware import (
    Identity,
    from_state,
    from_supervisor_info,
    to_state,
)
from pvs_sim.faults import Fault

INFO = "/cgi-bin/dl_cgi/supervisor/info"
SERIAL = "ZT210075000612B0000"


def info(**supervisor: object) -> bytes:
    """Return an answer of supervisor/info."""
    known = {"MODEL": "PVS6", "SERIAL": SERIAL, "SWVER": "2025.10, Build 61846"}
    return json.dumps({"result": "succeed", "supervisor": {**known, **supervisor}}).encode()


@pytest.mark.parametrize(
    ("model", "build", "locked", "random"),
    [
        ("PVS6", 61707, False, False),
        ("PVS6", 61827, False, True),
        ("PVS6", 61829, False, True),
        ("PVS6", 61839, False, False),
        ("PVS6", 61840, True, False),
        ("PVS6", 61846, True, False),
        ("PVS5", 5407, False, False),
        ("PVS5", 5408, True, False),
    ],
)
def test_the_build_decides_whether_the_device_list_is_closed(
    model: str, build: int, locked: bool, random: bool
) -> None:
    identity = from_supervisor_info(info(MODEL=model, BUILD=build))
    assert identity is not None
    assert (identity.model, identity.build) == (model, build)
    assert (identity.locked, identity.refuses_at_random) == (locked, random)


@pytest.mark.parametrize("given", [{}, {"BUILD": None}, {"BUILD": True}, {"BUILD": "?"}])
def test_without_a_build_the_version_is_used(given: dict[str, object]) -> None:
    identity = from_supervisor_info(info(MODEL="PVS5", SWVER="2025.9, Build 5408", **given))
    assert identity is not None
    assert (identity.build, identity.locked) == (5408, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b'{"result": "succeed"}',
        info(MODEL="PVS7"),
        info(SERIAL="B0"),
        info(SERIAL="B0000\r\nX: y"),
        info(SERIAL=5),
        info().replace(b"succeed", b"failed"),
    ],
)
def test_an_invalid_supervisor_info_is_ignored(body: bytes) -> None:
    assert from_supervisor_info(body) is None


def test_a_stored_identity_is_read_back() -> None:
    identity = Identity("PVS6", 61846, SERIAL, "2025.10, Build 61846")
    assert from_state(to_state(identity)) == identity
    assert from_state({}) is None
    assert from_state({**to_state(identity), "build": "61846"}) is None


@pytest.mark.parametrize(
    ("chosen", "access"),
    [
        ({"firmware": 61707}, "open"),
        ({"firmware": 61839}, "open"),
        ({"firmware": 61840}, "closed"),
        ({"firmware": 61846}, "closed"),
        # As some builds do until a power cycle, with the newer API and without it.
        ({"firmware": 61839, "random_403": 1.0}, "closed"),
        ({"firmware": 61829, "random_403": 1.0}, "refused"),
        ({"firmware": 5400, "model": "PVS5"}, "open"),
        ({"firmware": 5408, "model": "PVS5"}, "closed"),
        ({"firmware": 5412, "model": "PVS5"}, "closed"),
    ],
)
def test_what_the_pvs_answers_decides_and_not_its_build(
    boot: Boot, serve: Serve, chosen: dict[str, Any], access: str
) -> None:
    pvs = boot(**chosen)
    compat = serve(pvs)
    ready = known_access(compat)
    assert ready["build"] == chosen["firmware"]
    assert ready["translating"] == (access == "closed")
    if access == "closed":
        assert len(compat.get().devices("Inverter")) == 24
    assert pvs.stats()["most_in_flight"]["total"] == 1


def test_an_answer_after_a_power_cycle_ends_the_translation(boot: Boot, tmp_path: Path) -> None:
    pvs = boot(firmware=61839, random_403=1.0)
    config = config_for(pvs.http_url, tmp_path)
    with Compat(config) as compat:
        compat.wait_ready()
    pvs.call(lambda box: box.restart("power cycle", seconds=0))
    with Compat(config) as compat:
        compat.wait_ready(503)


def test_an_open_pvs_is_not_asked_for_its_device_list_again(boot: Boot, tmp_path: Path) -> None:
    pvs = boot(firmware=61707)
    config = config_for(pvs.http_url, tmp_path)
    for _ in range(2):
        with Compat(config) as compat:
            known_access(compat)
            time.sleep(0.3)
    assert pvs.stats()["by_command"] == {"supervisor/info": 2, "DeviceList": 1}


def known_access(compat: Compat) -> dict[str, object]:
    """Wait until a service knows whether its PVS answers DeviceList; return /ready."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        said: dict[str, object] = compat.get("/ready").json()
        if "not known" not in str(said["reason"]):
            return said
        time.sleep(0.02)
    raise AssertionError("the service has not found out")


def known_build(compat: Compat) -> dict[str, object]:
    """Wait until a service knows the build of its PVS; return its answer to /ready."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        said: dict[str, object] = compat.get("/ready").json()
        if said["build"] is not None:
            return said
        time.sleep(0.02)
    raise AssertionError("the build stayed unknown")


def test_a_build_that_refuses_at_random_needs_a_power_cycle(boot: Boot, serve: Serve) -> None:
    said = known_access(serve(boot(firmware=61828, random_403=1.0)))
    assert "breaker" in str(said["reason"])


def test_without_supervisor_info_the_open_variables_are_used(boot: Boot, serve: Serve) -> None:
    pvs = boot(faults=(Fault("403", path=INFO),))
    compat = serve(pvs)
    assert compat.wait_ready().json()["build"] == 61846
    assert compat.get().status == 200


def test_mode_on_translates_on_any_firmware(boot: Boot, serve: Serve) -> None:
    compat = serve(boot(faults=(Fault("silence", path=INFO),)), mode="on")
    assert compat.get("/ready").status == 200


def test_mode_on_reports_firmware_without_the_new_api(boot: Boot, serve: Serve) -> None:
    answer = serve(boot(firmware=61707), mode="on").get()
    assert answer.status == 503
    assert "compat_mode" in answer.json()["hint"]


def test_the_identity_is_kept_over_a_restart_of_the_pi(boot: Boot, tmp_path: Path) -> None:
    pvs = boot()
    config = config_for(pvs.http_url, tmp_path)
    with Compat(config) as compat:
        compat.wait_ready()
    pvs.call(lambda box: box.restart("test", seconds=60, phases=(("silence", 1.0),)))
    with Compat(config) as compat:
        assert compat.get("/ready").status == 200
        assert (tmp_path / "pvs.json").stat().st_mode & 0o777 == 0o600


def test_an_absent_pvs_is_probed_until_it_answers(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    pvs.call(lambda box: box.restart("test", seconds=1, phases=(("reset", 1.0),)))
    serve(pvs).wait_ready()


def in_seconds(compat: Compat) -> float:
    """Return the seconds until a service is ready."""
    began = time.monotonic()
    compat.wait_ready()
    return time.monotonic() - began


@pytest.mark.parametrize("sign", ["refusals", "failures", "restart of haproxy"])
@pytest.mark.usefixtures("hurry")
def test_a_firmware_update_is_detected_by_haproxy_s_counters(
    boot: Boot, serve: Serve, tmp_path: Path, sign: str
) -> None:
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        figures.refusals = 5
        pvs = boot(firmware=61839)
        compat = serve(pvs, stats_socket=str(socket))
        assert known_access(compat)["translating"] is False
        time.sleep(0.3)
        assert pvs.stats()["requests"] == 2
        pvs.call(lambda box: box.install(61846))
        if sign != "failures":
            compat.listed(403)
        if sign == "refusals":
            figures.refusals = 6
        elif sign == "failures":
            figures.failures = 1
        else:
            figures.refusals = 0
        assert in_seconds(compat) < 4
        assert compat.get().status == 200


@pytest.mark.usefixtures("hurry")
def test_after_a_downgrade_the_service_stops_translating(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        pvs = boot()
        compat = serve(pvs, stats_socket=str(socket))
        compat.wait_ready()
        time.sleep(0.2)
        pvs.call(lambda box: box.install(61707))
        figures.failures = 1
        compat.wait_ready(503)


@pytest.mark.usefixtures("hurry")
def test_a_pvs_that_is_down_is_not_probed_before_haproxy_sees_it_up(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        pvs = boot(firmware=61839)
        compat = serve(pvs, stats_socket=str(socket))
        known_access(compat)
        pvs.call(lambda box: box.install(61846))
        figures.failures, figures.status = 1, "DOWN"
        time.sleep(0.5)
        assert pvs.stats()["requests"] == 2
        figures.status = "UP"
        assert in_seconds(compat) < 2


@pytest.mark.usefixtures("hurry")
def test_repeated_refusals_of_the_same_firmware_are_probed_less_often(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        pvs = boot(firmware=61829, random_403=1.0)
        compat = serve(pvs, stats_socket=str(socket))
        known_access(compat)
        pvs.call(lambda box: box.counters.reset())
        until = time.monotonic() + 3
        while time.monotonic() < until:
            figures.refusals += 1
            compat.listed(403)
            time.sleep(0.05)
        assert pvs.stats()["requests"] <= 6
        assert compat.get("/ready").status == 503


@pytest.mark.usefixtures("hurry")
def test_while_translating_an_ended_session_causes_no_probe(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        pvs = boot()
        compat = serve(pvs, stats_socket=str(socket))
        compat.wait_ready()
        pvs.call(lambda box: box.counters.reset())
        figures.refusals = 3
        compat.listed(403)
        time.sleep(0.5)
        assert pvs.stats()["requests"] == 0


@pytest.mark.usefixtures("hurry")
def test_other_refusals_cause_no_probe(boot: Boot, serve: Serve, tmp_path: Path) -> None:
    socket = tmp_path / "figures.sock"
    with served(socket) as figures:
        pvs = boot(firmware=61707)
        compat = serve(pvs, stats_socket=str(socket))
        known_access(compat)
        pvs.call(lambda box: box.counters.reset())
        figures.refusals = 3
        compat.listed(200)
        time.sleep(0.5)
        assert pvs.stats()["requests"] == 0


HEAD = "# pxname,svname,status,chkdown,hrsp_4xx,\n"


def test_haproxy_s_counters_are_read() -> None:
    text = f"{HEAD}pvs,BACKEND,UP,,7,\n\n{HEAD}pvs_queue,pvs_serial,UP 1/2,3,9,\n\n"
    assert read_counters(text) == Counters(refusals=7, failures=3, up=True)
    assert read_counters(text.replace("UP 1/2", "DOWN")) == Counters(7, 3, up=False)


@pytest.mark.parametrize(
    "text",
    ["", "Permission denied\n", HEAD, f"{HEAD}pvs,BACKEND,x,,many,\n", f"{HEAD}pvs,BACKEND\n"],
)
def test_invalid_counters_are_ignored(text: str) -> None:
    assert read_counters(text) is None
