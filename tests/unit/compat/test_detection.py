"""Which PVS it is, and which API answers: found out cheaply, kept, and noticed when it changes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.figures import told
from unit.compat.running import Compat, config_for

from pvs_bridge.compat.haproxy_stats import Counters, read_counters
from pvs_bridge.pvs.firmware import (
    Identity,
    from_open_variables,
    from_state,
    from_supervisor_info,
    to_state,
)
from pvs_sim.faults import Fault

INFO = "/cgi-bin/dl_cgi/supervisor/info"
SERIAL = "ZT210075000612B0000"


def info(**supervisor: object) -> bytes:
    """Write an answer of supervisor/info."""
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
def test_the_build_tells_whether_the_device_list_is_closed(
    model: str, build: int, locked: bool, random: bool
) -> None:
    identity = from_supervisor_info(info(MODEL=model, BUILD=build))
    assert identity is not None
    assert (identity.model, identity.build) == (model, build)
    assert (identity.locked, identity.refuses_at_random) == (locked, random)


@pytest.mark.parametrize("given", [{}, {"BUILD": None}, {"BUILD": True}, {"BUILD": "?"}])
def test_without_a_build_the_version_tells_it(given: dict[str, object]) -> None:
    identity = from_supervisor_info(info(MODEL="PVS5", SWVER="2025.9, Build 5408", **given))
    assert identity is not None
    assert (identity.build, identity.locked) == (5408, True)


def test_without_any_build_it_counts_which_api_answers() -> None:
    values = {"/sys/info/model": "PVS5", "/sys/info/serialnum": SERIAL}
    shown = from_open_variables(values)
    assert shown is not None
    assert (shown.build, shown.locked) == (None, True)
    said = from_supervisor_info(info(MODEL="PVS5", SWVER="newest"))
    assert said is not None
    assert (said.build, said.locked) == (None, False)


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
def test_what_is_no_supervisor_is_none(body: bytes) -> None:
    assert from_supervisor_info(body) is None


def test_what_is_known_is_read_as_it_was_written() -> None:
    identity = Identity("PVS6", 61846, SERIAL, "2025.10, Build 61846", new_api=True)
    assert from_state(to_state(identity)) == identity
    assert from_state(b"{") is None
    assert from_state(to_state(identity).replace(b"61846,", b'"61846",')) is None


@pytest.mark.parametrize(
    ("firmware", "status"), [(61707, 503), (61829, 503), (61839, 503), (61840, 200), (61846, 200)]
)
def test_auto_translates_on_locked_firmware_alone(
    boot: Boot, serve: Serve, firmware: int, status: int
) -> None:
    ready = told_build(serve(boot(firmware=firmware)))
    assert ready["build"] == firmware
    assert ready["translating"] == (status == 200)


def told_build(compat: Compat) -> dict[str, object]:
    """Wait until a service knows the build of its PVS, and return what it says."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        said: dict[str, object] = compat.get("/ready").json()
        if said["build"] is not None:
            return said
        time.sleep(0.02)
    raise AssertionError("it never knew")


def test_a_build_that_refuses_at_random_is_said_to_need_a_power_cycle(
    boot: Boot, serve: Serve
) -> None:
    said = told_build(serve(boot(firmware=61828)))
    assert "breaker" in str(said["reason"])


@pytest.mark.parametrize(("firmware", "translating"), [(5400, False), (5408, True)])
def test_a_pvs5_is_known_though_it_does_not_tell_its_build(
    boot: Boot, serve: Serve, firmware: int, translating: bool
) -> None:
    pvs = boot(model="PVS5", firmware=firmware)
    said = told_build(serve(pvs))
    assert (said["model"], said["translating"]) == ("PVS5", translating)
    assert pvs.stats()["requests"] == 1


def test_where_supervisor_info_fails_the_open_variables_tell(boot: Boot, serve: Serve) -> None:
    pvs = boot(faults=(Fault("403", path=INFO),))
    compat = serve(pvs)
    assert compat.wait_ready().json()["build"] == 61846
    assert compat.get().status == 200


def test_on_translates_whatever_the_pvs_says(boot: Boot, serve: Serve) -> None:
    compat = serve(boot(faults=(Fault("silence", path=INFO),)), mode="on")
    assert compat.get("/ready").status == 200


def test_on_says_that_older_firmware_has_nothing_to_translate(boot: Boot, serve: Serve) -> None:
    answer = serve(boot(firmware=61707), mode="on").get()
    assert answer.status == 503
    assert "compat_mode" in answer.json()["hint"]


def test_what_is_known_outlives_a_restart_of_the_pi(boot: Boot, tmp_path: Path) -> None:
    pvs = boot()
    config = config_for(pvs.http_url, tmp_path)
    with Compat(config) as compat:
        compat.wait_ready()
    pvs.call(lambda box: box.restart("test", seconds=60, phases=(("silence", 1.0),)))
    with Compat(config) as compat:
        assert compat.get("/ready").status == 200
        assert (tmp_path / "pvs.json").stat().st_mode & 0o777 == 0o600


def test_at_first_a_pvs_that_is_away_is_asked_until_it_is_back(boot: Boot, serve: Serve) -> None:
    pvs = boot()
    pvs.call(lambda box: box.restart("test", seconds=1, phases=(("reset", 1.0),)))
    serve(pvs).wait_ready()


def in_seconds(compat: Compat) -> float:
    """Measure how long a service takes to be ready."""
    began = time.monotonic()
    compat.wait_ready()
    return time.monotonic() - began


@pytest.mark.parametrize("sign", ["refusals", "failures", "restart of haproxy"])
@pytest.mark.usefixtures("hurry")
def test_an_update_is_noticed_by_what_haproxy_counts(
    boot: Boot, serve: Serve, tmp_path: Path, sign: str
) -> None:
    socket = tmp_path / "figures.sock"
    with told(socket) as figures:
        figures.refusals = 5
        pvs = boot(firmware=61839)
        compat = serve(pvs, stats_socket=str(socket))
        assert told_build(compat)["translating"] is False
        time.sleep(0.3)
        assert pvs.stats()["requests"] == 1
        pvs.call(lambda box: box.install(61846))
        if sign == "refusals":
            figures.refusals = 6
        elif sign == "failures":
            figures.failures = 1
        else:
            figures.refusals = 0
        assert in_seconds(compat) < 4
        assert compat.get().status == 200


@pytest.mark.usefixtures("hurry")
def test_firmware_that_answers_by_itself_again_is_left_alone(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with told(socket) as figures:
        pvs = boot()
        compat = serve(pvs, stats_socket=str(socket))
        compat.wait_ready()
        time.sleep(0.2)
        pvs.call(lambda box: box.install(61707))
        figures.failures = 1
        compat.wait_ready(503)


@pytest.mark.usefixtures("hurry")
def test_a_pvs_that_is_down_is_not_asked_before_haproxy_says_that_it_is_back(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with told(socket) as figures:
        pvs = boot(firmware=61839)
        compat = serve(pvs, stats_socket=str(socket))
        told_build(compat)
        pvs.call(lambda box: box.install(61846))
        figures.failures, figures.status = 1, "DOWN"
        time.sleep(0.5)
        assert pvs.stats()["requests"] == 1
        figures.status = "UP"
        assert in_seconds(compat) < 2


@pytest.mark.usefixtures("hurry")
def test_refusals_of_the_same_firmware_are_looked_into_ever_more_seldom(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with told(socket) as figures:
        pvs = boot(firmware=61829)
        compat = serve(pvs, stats_socket=str(socket))
        told_build(compat)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            figures.refusals += 1
            time.sleep(0.05)
        assert pvs.stats()["requests"] <= 3
        assert compat.get("/ready").status == 503


@pytest.mark.usefixtures("hurry")
def test_while_it_translates_an_ended_session_is_no_sign_of_another_firmware(
    boot: Boot, serve: Serve, tmp_path: Path
) -> None:
    socket = tmp_path / "figures.sock"
    with told(socket) as figures:
        pvs = boot()
        compat = serve(pvs, stats_socket=str(socket))
        compat.wait_ready()
        figures.refusals = 3
        time.sleep(0.5)
        assert pvs.stats()["requests"] == 1


HEAD = "# pxname,svname,status,chkdown,hrsp_4xx,\n"


def test_haproxy_s_figures_are_read() -> None:
    text = f"{HEAD}pvs,pvs,no check,,7,\n\n{HEAD}pvs_queue,pvs_serial,UP 1/2,3,9,\n\n"
    assert read_counters(text) == Counters(refusals=7, failures=3, up=True)
    assert read_counters(text.replace("UP 1/2", "DOWN")) == Counters(7, 3, up=False)


@pytest.mark.parametrize(
    "text", ["", "Permission denied\n", HEAD, f"{HEAD}pvs,pvs,x,,many,\n", f"{HEAD}pvs,pvs\n"]
)
def test_what_are_no_figures_is_none(text: str) -> None:
    assert read_counters(text) is None
