"""The chain: each thing that can break is named, with its hint, and nothing else is blamed."""

from __future__ import annotations

import dataclasses
import errno
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.checks import DEVICE_LIST, REVISION, SUPERVISOR_INFO, check
from pvs_bridge.health.outcomes import BROKEN, LINKS, OK, OUTCOMES, UNKNOWN
from pvs_bridge.health.report import NEW, OLD, TRANSLATED
from pvs_bridge.host.probe import ProbeError, Reply, Signal

Build = Callable[..., Any]
Answers = Callable[..., Reply]
Given = Exception | dict[str, Any]
PROXY_PAGE = b"<html><body><h1>503 Service Unavailable</h1>\n</body></html>\n"


def states(chain: Any) -> dict[str, str]:  # noqa: ANN401 - a tuple of links
    return {link.name: link.state for link in chain}


def information(**about: object) -> bytes:
    return json.dumps({"result": "succeed", "supervisor": about}).encode()


def test_a_healthy_bridge_is_healthy(bridge: Build, config: HealthConfig) -> None:
    report = check(config, bridge())
    assert report.healthy
    assert (report.broken, report.problem, report.hint) == (None, None, None)
    assert list(states(report.chain)) == list(LINKS)
    assert set(states(report.chain).values()) == {OK}
    assert report.chain[-1].seen == "6 devices in 6.5 s"
    assert report.seconds == 6.5


def test_the_pvs_is_asked_for_one_device_list_and_nothing_else(
    bridge: Build, config: HealthConfig
) -> None:
    world = bridge()
    check(config, world)
    assert world.asked == [DEVICE_LIST]
    assert world.connected == [80, 80]


CHEAP: list[tuple[str, str, dict[str, Any]]] = [
    ("interface_missing", "cable", {"signals": {"wlan0": Signal.UP}}),
    ("interface_off", "cable", {"signals": {"wlan0": Signal.UP, "eth0": Signal.OFF}}),
    ("no_cable", "cable", {"signals": {"wlan0": Signal.UP, "eth0": Signal.NONE}}),
    ("no_lease", "lease", {"ips": {"wlan0": ["192.168.44.7/24"]}}),
    ("no_lease", "lease", {"ips": {"eth0": ["169.254.9.9/16"], "wlan0": ["192.168.44.7/24"]}}),
    ("other_network", "lease", {"ips": {"eth0": ["10.1.1.5/24"], "wlan0": ["192.168.44.7/24"]}}),
    ("default_route_taken", "route", {"routes": ["eth0", "wlan0"]}),
    ("default_route_taken", "route", {"routes": ["eth0"]}),
    ("uplink_missing", "uplink", {"signals": {"eth0": Signal.UP}}),
    ("uplink_down", "uplink", {"signals": {"eth0": Signal.UP, "wlan0": Signal.NONE}}),
    ("uplink_down", "uplink", {"signals": {"eth0": Signal.UP, "wlan0": Signal.OFF}}),
    ("uplink_no_address", "uplink", {"ips": {"eth0": ["172.27.153.20/24"]}}),
    (
        "uplink_no_address",
        "uplink",
        {"ips": {"eth0": ["172.27.153.20/24"], "wlan0": ["169.254.1.1/16"]}},
    ),
    ("uplink_no_route", "uplink", {"routes": []}),
]


@pytest.mark.parametrize(("outcome", "link", "world"), CHEAP)
def test_a_broken_link_is_named(
    bridge: Build, config: HealthConfig, outcome: str, link: str, world: dict[str, Any]
) -> None:
    report = check(config, bridge(**world))
    assert report.broken is not None
    assert (report.broken.outcome, report.broken.name) == (outcome, link)
    assert not report.healthy


TIMEOUT = TimeoutError(errno.ETIMEDOUT, "Connection timed out")
NO_ROUTE = OSError(errno.EHOSTUNREACH, "No route to host")
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
RESET = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TIMEOUT, "pvs_silent"),
        (NO_ROUTE, "pvs_silent"),
        (REFUSED, "pvs_restarting"),
        (RESET, "pvs_restarting"),
    ],
)
def test_a_pvs_that_takes_no_connection_is_not_asked(
    bridge: Build, error: OSError, outcome: str
) -> None:
    world = bridge(refuses={80: error})
    report = check(HealthConfig("eth0", "172.27.153.1", 8080, "wlan0", 130), world)
    assert report.broken is not None
    assert (report.broken.name, report.broken.outcome) == ("pvs", outcome)
    assert world.asked == []
    assert states(report.chain)["answer"] == UNKNOWN


def test_whoever_may_not_ask_the_pvs_goes_on_by_the_proxy(bridge: Build) -> None:
    """The firewall lets nobody but root and haproxy ask, and says so by this word."""
    world = bridge(refuses={80: OSError(errno.ENETUNREACH, "Network is unreachable")})
    report = check(HealthConfig("eth0", "172.27.153.1", 8080, "wlan0", 130), world)
    link = next(each for each in report.chain if each.name == "pvs")
    assert (link.state, "only root" in link.seen) == (UNKNOWN, True)
    assert report.healthy


def test_a_proxy_that_takes_no_connection_is_named(bridge: Build) -> None:
    world = bridge(refuses={8080: REFUSED})
    report = check(HealthConfig("eth0", "172.27.153.1", 8080, "wlan0", 130), world)
    assert report.broken is not None
    assert report.broken.outcome == "proxy_down"
    assert "8080" in (report.problem or "")
    assert world.asked == []


def test_a_cable_that_is_out_is_not_blamed_on_the_pvs(bridge: Build, config: HealthConfig) -> None:
    world = bridge(
        signals={"eth0": Signal.NONE, "wlan0": Signal.UP}, ips={"wlan0": ["192.168.44.7/24"]}
    )
    report = check(config, world)
    found = states(report.chain)
    assert found["cable"] == BROKEN
    assert [found[name] for name in ("lease", "pvs", "answer")] == [UNKNOWN] * 3
    assert found["uplink"] == OK
    assert world.asked == []


def test_a_broken_uplink_does_not_keep_the_plant_from_being_read(
    bridge: Build, config: HealthConfig
) -> None:
    report = check(config, bridge(routes=[]))
    assert not report.healthy
    assert states(report.chain)["answer"] == OK
    assert report.plant is not None


def test_without_ip_the_links_are_unknown_and_the_answer_decides(
    bridge: Build, config: HealthConfig
) -> None:
    report = check(config, bridge(routes=ProbeError("not checked: the program ip is missing")))
    assert states(report.chain)["route"] == states(report.chain)["uplink"] == UNKNOWN
    assert report.healthy


def test_an_answer_that_was_shared_says_its_age(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    shared = dataclasses.replace(reply(), headers={"via": "1.1 pvs-bridge", "age": "12"})
    report = check(config, bridge(answers=[shared]))
    assert report.chain[-1].seen.endswith(" s, 12 s old")


ANSWERS: list[tuple[str, Given]] = [
    ("pvs_silent", TIMEOUT),
    ("pvs_silent", {"status": 504, "body": b"<html>", "server": None}),
    ("pvs_restarting", {"status": 503, "body": PROXY_PAGE}),
    ("pvs_restarting", {"status": 503, "body": b'{"result": "error"}', "server": None}),
    ("pvs_restarting", {"status": 503, "body": PROXY_PAGE, "server": None, "old": True}),
    ("pvs_restarting", {"status": 502, "body": b"<html>", "server": None}),
    ("pvs_restarting", RESET),
    ("pvs_restarting", http.client.RemoteDisconnected("closed")),
    ("pvs_crashed", {"status": 500, "body": b"<html>"}),
    ("proxy_down", REFUSED),
    ("proxy_refused", {"status": 403, "body": b'{"result": "error"}', "server": None}),
    ("proxy_refused", {"status": 503, "body": b"... proxy_queue_length ...", "server": None}),
    ("proxy_refused", {"status": 429, "body": b"<html>", "server": None}),
    ("damaged_answer", {"status": 404, "body": b"<html>"}),
    ("damaged_answer", http.client.BadStatusLine("garbage")),
    ("damaged_answer", {"whole": False}),
    ("damaged_answer", {"body": b'{"devices": [{"DEVICE_TYPE": "PV'}),
    ("damaged_answer", {"body": b'Content-Type: text/html\r\n\r\n{"result": "succeed"}'}),
    ("damaged_answer", {"body": b""}),
    ("damaged_answer", {"body": b"<html>Welcome</html>"}),
    ("damaged_answer", {"body": b'{"result": "succeed"}'}),
    ("damaged_answer", {"body": b'{"result": "succeed", "devices": {}}'}),
    ("damaged_answer", {"body": b'{"devices": []}'}),
    ("damaged_answer", {"body": b"\xff\xfe"}),
    ("not_succeeded", {"body": b'{"result": "unknown command"}'}),
    ("not_succeeded", {"body": b'{"result": null, "devices": []}'}),
]


@pytest.mark.parametrize(("outcome", "answer"), ANSWERS)
def test_an_answer_that_is_none_is_named(
    bridge: Build, reply: Answers, config: HealthConfig, outcome: str, answer: Given
) -> None:
    given = answer if isinstance(answer, Exception) else reply(**answer)
    world = bridge(answers=[given])
    report = check(config, world)
    assert report.broken is not None
    assert (report.broken.name, report.broken.outcome) == ("answer", outcome)
    assert report.plant is None
    assert world.asked == [DEVICE_LIST]


FIRMWARES: list[tuple[str, dict[str, object]]] = [
    ("firmware_locked", {"MODEL": "PVS6", "BUILD": 61840, "SWVER": "2025.10, Build 61840"}),
    ("firmware_locked", {"MODEL": "PVS6", "SWVER": "2025.10, Build 61846"}),
    ("firmware_locked", {"MODEL": "PVS5", "SWVER": "2025.10, Build 5408"}),
    ("firmware_locked", {"SWVER": "2025.10, Build 5412"}),
    ("firmware_refuses_at_random", {"MODEL": "PVS6", "BUILD": 61827}),
    ("firmware_refuses_at_random", {"MODEL": "PVS6", "BUILD": "61829"}),
    ("answer_refused", {"MODEL": "PVS6", "BUILD": 61839}),
    ("answer_refused", {"MODEL": "PVS5", "SWVER": "2024.6, Build 5407"}),
    ("answer_refused", {"MODEL": "PVS6"}),
    ("answer_refused", {"MODEL": "PVS6", "SWVER": "none", "BUILD": True}),
]
VARIABLE = b'{"values": [{"name": "/sys/info/sw_rev", "value": "2025.10.13.61846"}], "count": 1}'
NO_VARIABLE: list[Given] = [
    TIMEOUT,
    {"status": 404, "body": b"<html>"},
    {"body": b"<html>"},
    {"body": b'{"values": []}'},
    {"body": b'{"values": [1]}'},
]


def given(reply: Answers, answer: Given) -> Reply | Exception:
    return answer if isinstance(answer, Exception) else reply(**answer)


@pytest.fixture
def untranslated(config: HealthConfig) -> HealthConfig:
    """Return the configuration of a bridge with compat_mode off."""
    return dataclasses.replace(config, translates=False)


@pytest.mark.parametrize(("outcome", "about"), FIRMWARES)
def test_a_refusal_is_explained_by_the_firmware(
    bridge: Build,
    reply: Answers,
    untranslated: HealthConfig,
    outcome: str,
    about: dict[str, object],
) -> None:
    answers = [reply(403, b'{ "status":403 }'), reply(200, information(**about)), TIMEOUT]
    world = bridge(answers=answers)
    report = check(untranslated, world)
    assert report.broken is not None
    assert report.broken.outcome == outcome
    assert report.interface is None
    more = [REVISION] if outcome == "firmware_locked" else []
    assert world.asked == [DEVICE_LIST, SUPERVISOR_INFO, *more]


@pytest.mark.parametrize("variable", NO_VARIABLE)
def test_a_locked_firmware_that_gives_nothing_at_all_is_a_broken_link(
    bridge: Build, reply: Answers, untranslated: HealthConfig, variable: Given
) -> None:
    locked = information(MODEL="PVS6", BUILD=61846)
    answers = [reply(403, b"{}"), reply(200, locked), given(reply, variable)]
    report = check(untranslated, bridge(answers=answers))
    assert report.broken is not None
    assert report.broken.outcome == "firmware_locked"
    assert "61846" in (report.problem or "")
    assert "compat_mode" in (report.hint or "")


def test_a_newer_interface_that_answers_is_healthy_for_programs_that_know_it(
    bridge: Build, reply: Answers, untranslated: HealthConfig
) -> None:
    locked = information(MODEL="PVS6", BUILD=61846)
    answers = [reply(403, b"{}"), reply(200, locked), reply(200, VARIABLE)]
    report = check(untranslated, bridge(answers=answers))
    assert report.healthy
    assert (report.interface, report.plant) == (NEW, None)
    assert "/vars answers (firmware 2025.10.13.61846)" in report.chain[-1].seen
    assert "only programs that know /auth and /vars" in (report.note or "")


# A bridge that translates

BY_COMPAT = {"via": "1.1 pvs-bridge-compat", "age": "0"}
TRANSLATOR: list[tuple[str, dict[str, Any]]] = [
    ("pvs_restarting", {"status": 503, "body": b'{"error": "... most likely it is restarting."}'}),
    ("pvs_restarting", {"headers": {**BY_COMPAT, "age": "95", "warning": '110 - "Stale"'}}),
    ("not_translated", {"status": 503, "body": b'{"error": "It refuses.", "hint": "Do so."}'}),
    ("damaged_answer", {"status": 503, "body": b"<html>"}),
    ("damaged_answer", {"body": b'{"devices": ['}),
]


def test_a_device_list_that_the_bridge_has_made_is_healthy_for_all(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    report = check(config, bridge(answers=[reply(headers=BY_COMPAT)]))
    assert report.healthy
    assert report.interface == TRANSLATED
    assert report.plant is not None
    assert report.chain[-1].seen == "6 devices in 6.5 s, made by the bridge out of /vars"
    assert report.note is None


def test_an_old_firmware_s_own_list_needs_no_note(bridge: Build, config: HealthConfig) -> None:
    report = check(config, bridge())
    assert (report.interface, report.note) == (OLD, None)


def test_routed_the_pi_s_list_is_not_the_home_s(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    routed = dataclasses.replace(config, proxy_serves_home=False)
    report = check(routed, bridge(answers=[reply(headers=BY_COMPAT)]))
    assert report.healthy
    assert "bridge_mode routed" in (report.note or "")


@pytest.mark.parametrize(("outcome", "answer"), TRANSLATOR)
def test_what_keeps_the_bridge_from_translating_is_named(
    bridge: Build, reply: Answers, config: HealthConfig, outcome: str, answer: dict[str, Any]
) -> None:
    world = bridge(answers=[reply(**{"headers": BY_COMPAT, **answer})])
    report = check(config, world)
    assert report.broken is not None
    assert report.broken.outcome == outcome
    assert world.asked == [DEVICE_LIST]


def test_the_translator_s_own_words_are_shown(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    said = b'{"error": "The PVS refused the password.", "hint": "Set compat_password."}'
    report = check(config, bridge(answers=[reply(503, said, headers=BY_COMPAT)]))
    assert (report.problem or "").endswith("newer interface. The PVS refused the password.")
    assert report.hint == "Set compat_password."


DOWN = b'{"error": "...", "hint": "systemctl status pvs-bridge-compat ..."}'


def test_a_translator_that_comes_up_a_moment_later_is_waited_for(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    locked = reply(200, information(MODEL="PVS6", BUILD=61846))
    gone = reply(503, DOWN, server=None)
    answers = [reply(403, b"{}"), locked, gone, reply(headers=BY_COMPAT)]
    world = bridge(answers=answers)
    report = check(config, world, wait=60)
    assert report.healthy
    assert world.asked == [DEVICE_LIST, SUPERVISOR_INFO, DEVICE_LIST, DEVICE_LIST]


def test_a_pvs_that_the_proxy_leaves_alone_for_a_moment_is_waited_for(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    left_alone = reply(503, b'{"result": "error"}', server=None)
    world = bridge(answers=[left_alone, left_alone, reply()])
    assert check(config, world, wait=30).healthy
    assert world.asked == [DEVICE_LIST] * 3


def test_a_pvs_that_restarts_is_not_waited_for_without_being_told_to(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    left_alone = reply(503, b'{"result": "error"}', server=None)
    report = check(config, bridge(answers=[left_alone, reply()]))
    assert report.broken is not None
    assert report.broken.outcome == "pvs_restarting"


def test_a_translator_that_stays_away_is_named(
    bridge: Build, reply: Answers, config: HealthConfig
) -> None:
    locked = reply(200, information(MODEL="PVS6", BUILD=61846))
    report = check(config, bridge(answers=[reply(403, b"{}"), locked] * 3))
    assert report.broken is not None
    assert report.broken.outcome == "translator_down"
    assert "61846" in (report.problem or "")
    assert "pvs-bridge-compat" in (report.hint or "")


@pytest.mark.parametrize(
    "second",
    [
        TIMEOUT,
        http.client.BadStatusLine("x"),
        {"status": 403},
        {"body": b"[]"},
        {"body": b'{"supervisor": []}'},
        {"body": b"[" * 100_000},
    ],
)
def test_a_refusal_without_a_firmware_to_explain_it_is_still_named(
    bridge: Build, reply: Answers, config: HealthConfig, second: Given
) -> None:
    given = second if isinstance(second, Exception) else reply(**second)
    world = bridge(answers=[reply(403, b"{}"), given])
    report = check(config, world)
    assert report.broken is not None
    assert report.broken.outcome == "answer_refused"
    assert "did not tell its build" in (report.problem or "")


def test_a_network_that_comes_up_while_waiting_is_healthy(
    bridge: Build, config: HealthConfig
) -> None:
    def lease(world: Any) -> None:  # noqa: ANN401 - the bridge
        if world.now >= 5:
            world.ips["eth0"] = ["172.27.153.20/24"]

    world = bridge(ips={"eth0": [], "wlan0": ["192.168.44.7/24"]}, later=lease)
    report = check(config, world, wait=30)
    assert report.healthy
    assert world.naps == 3
    assert world.asked == [DEVICE_LIST]


def test_waiting_ends(bridge: Build, config: HealthConfig) -> None:
    world = bridge(routes=[])
    report = check(config, world, wait=10)
    assert report.broken is not None
    assert world.naps == 5
    assert world.asked == [DEVICE_LIST]


def test_every_outcome_has_been_seen_here() -> None:
    seen = {outcome for outcome, *_ in (*CHEAP, *ANSWERS, *FIRMWARES, *TRANSLATOR)}
    assert seen | {"translator_down"} == set(OUTCOMES)


@pytest.mark.parametrize("name", OUTCOMES)
def test_problem_and_hint_are_whole_sentences(config: HealthConfig, name: str) -> None:
    facts = {
        "pvs_network": config.pvs_network,
        "build": "61846",
        "status": "429",
        "firmware": "it did not tell its build",
        "error": "The PVS refused the password.",
        "hint": "Set compat_password.",
        **vars(config),
    }
    for text in (OUTCOMES[name].problem, OUTCOMES[name].hint):
        words = text.format_map(facts)
        assert words.endswith(".")
        assert "{" not in words
