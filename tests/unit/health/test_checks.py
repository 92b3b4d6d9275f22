"""The check names the broken link with a hint."""

from __future__ import annotations

import dataclasses
import errno
import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from unit.health.conftest import make_body, make_devices

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.checks import DEVICE_LIST, REVISION, check
from pvs_bridge.health.outcomes import BROKEN, LINKS, OK, OUTCOMES, UNKNOWN
from pvs_bridge.health.report import NEW, OLD, TRANSLATED, Report
from pvs_bridge.host.probe import HomeAccess, ProbeError, Reply, Signal
from pvs_bridge.pvs.firmware import SUPERVISOR_INFO

Build = Callable[..., Any]
Answers = Callable[..., Reply]
Given = Exception | dict[str, Any]
PROXY_PAGE = b"<html><body><h1>503 Service Unavailable</h1>\n</body></html>\n"


def states(links: Any) -> dict[str, str]:  # noqa: ANN401 - a tuple of links
    return {link.name: link.state for link in links}


def _problem(report: Report) -> str:
    return report.issue.problem if report.issue else ""


def _hint(report: Report) -> str:
    return report.issue.hint if report.issue else ""


def information(**about: object) -> bytes:
    return json.dumps({"result": "succeed", "supervisor": about}).encode()


def test_a_healthy_bridge_is_healthy(make_probe: Build, config: HealthConfig) -> None:
    report = check(config, make_probe())
    assert report.healthy
    assert (report.broken, report.issue) == (None, None)
    assert list(states(report.links)) == list(LINKS)
    assert set(states(report.links).values()) == {OK}
    assert report.links[-1].seen == "6 devices in 6.5 s"
    assert report.seconds == 6.5


def test_the_pvs_gets_a_single_request(make_probe: Build, config: HealthConfig) -> None:
    probe = make_probe()
    check(config, probe)
    assert probe.asked == [DEVICE_LIST]
    assert probe.connected == [80, 80, 443]


CHEAP: list[tuple[str, str, dict[str, Any]]] = [
    ("interface_missing", "cable", {"signals": {"wlan0": Signal.UP}}),
    ("interface_off", "cable", {"signals": {"wlan0": Signal.UP, "eth0": Signal.OFF}}),
    ("no_cable", "cable", {"signals": {"wlan0": Signal.UP, "eth0": Signal.NONE}}),
    ("no_lease", "lease", {"ips": {"wlan0": ["192.168.44.7/24"]}}),
    ("no_lease", "lease", {"ips": {"eth0": ["169.254.9.9/16"], "wlan0": ["192.168.44.7/24"]}}),
    ("other_network", "lease", {"ips": {"eth0": ["10.1.1.5/24"], "wlan0": ["192.168.44.7/24"]}}),
    # A network that is larger than the PVS's would hide others, such as the home's.
    *(
        ("other_network", "lease", {"ips": {"eth0": [f"172.27.153.20/{prefix}"]}})
        for prefix in (1, 16, 23, 25, 32)
    ),
    ("default_route_taken", "route", {"routes": ["eth0", "wlan0"]}),
    ("default_route_taken", "route", {"routes": ["eth0"]}),
    (
        "port_taken",
        "proxy",
        {"identity": Reply(404, {"server": "lighttpd/1.4.79"}, b"<h1>404</h1>")},
    ),
    ("port_taken", "proxy", {"identity": Reply(200, {}, b"a program without a name")}),
    ("port_taken", "proxy", {"identity": http.client.BadStatusLine("SSH-2.0")}),
    ("port_local", "reach", {"access": HomeAccess.LOCAL}),
    ("port_closed", "reach", {"access": HomeAccess.CLOSED}),
    ("https_down", "reach", {"refuses": {443: ConnectionRefusedError(111, "Connection refused")}}),
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


@pytest.mark.parametrize(("outcome", "link", "probe"), CHEAP)
def test_a_broken_link_is_named(
    make_probe: Build, config: HealthConfig, outcome: str, link: str, probe: dict[str, Any]
) -> None:
    report = check(config, make_probe(**probe))
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
def test_a_pvs_that_refuses_connections_is_not_asked(
    make_probe: Build, error: OSError, outcome: str
) -> None:
    probe = make_probe(refuses={80: error})
    report = check(HealthConfig("eth0", "172.27.153.1", 8080, "wlan0", 130), probe)
    assert report.broken is not None
    assert (report.broken.name, report.broken.outcome) == ("pvs", outcome)
    assert probe.asked == []
    assert states(report.links)["answer"] == UNKNOWN


AT_HOME: list[tuple[str, Exception]] = [
    ("pvs_not_at_home", TIMEOUT),
    ("pvs_not_at_home", NO_ROUTE),
    # No firewall of the bridge is in the way, so the network has answered this.
    ("pvs_not_at_home", OSError(errno.ENETUNREACH, "Network is unreachable")),
    ("pvs_name_unknown", socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
    ("pvs_restarting", REFUSED),
]


@pytest.fixture
def at_home(config: HealthConfig) -> HealthConfig:
    """A bridge without a cable to the PVS."""
    return dataclasses.replace(
        config, pvs_at_home=True, pvs_interface="wlan0", pvs_address="pvs6.local"
    )


def test_a_pvs_at_home_needs_no_cable(make_probe: Build, at_home: HealthConfig) -> None:
    probe = make_probe(signals={"wlan0": Signal.UP}, ips={"wlan0": ["192.168.44.7/24"]})
    report = check(at_home, probe)
    assert report.healthy
    assert list(states(report.links)) == ["pvs", "proxy", "reach", "uplink", "answer"]


@pytest.mark.parametrize(("outcome", "error"), AT_HOME)
def test_a_pvs_that_is_not_at_home_is_not_asked(
    make_probe: Build, at_home: HealthConfig, outcome: str, error: Exception
) -> None:
    probe = make_probe(refuses={80: error, 443: error})
    report = check(at_home, probe)
    assert report.broken is not None
    assert (report.broken.name, report.broken.outcome) == ("pvs", outcome)
    assert probe.asked == []
    assert "cable" not in _problem(report) + _hint(report)


@pytest.mark.parametrize("error", [REFUSED, TIMEOUT])
def test_a_pvs_at_home_may_answer_by_https_alone(
    make_probe: Build, config: HealthConfig, at_home: HealthConfig, error: OSError
) -> None:
    probe = make_probe(
        refuses={80: error}, signals={"wlan0": Signal.UP}, ips={"wlan0": ["192.168.44.7/24"]}
    )
    at_home = dataclasses.replace(at_home, proxy_port=8080)
    (pvs, *_) = check(at_home, probe).links
    assert (pvs.state, pvs.seen) == (OK, "pvs6.local port 443 accepts connections")
    # By the cable, port 80 is known to answer.
    assert check(config, make_probe(refuses={80: error})).broken is not None


def test_without_the_home_network_a_pvs_in_it_is_not_asked(
    make_probe: Build, at_home: HealthConfig
) -> None:
    probe = make_probe(signals={"wlan0": Signal.NONE})
    report = check(at_home, probe)
    assert report.broken is not None
    assert report.broken.name == "uplink"
    assert (states(report.links)["pvs"], probe.asked) == (UNKNOWN, [])


def test_the_check_uses_the_proxy_if_the_firewall_blocks_its_user(make_probe: Build) -> None:
    """The firewall answers ENETUNREACH to all users but root and haproxy."""
    probe = make_probe(refuses={80: OSError(errno.ENETUNREACH, "Network is unreachable")})
    report = check(HealthConfig("eth0", "172.27.153.1", 8080, "wlan0", 130), probe)
    link = next(each for each in report.links if each.name == "pvs")
    assert (link.state, "only root" in link.seen) == (UNKNOWN, True)
    assert report.healthy


@pytest.mark.parametrize(("foreign", "outcome"), [(True, "port_taken"), (False, "proxy_down")])
def test_a_port_without_an_answer_is_that_of_another_program_or_of_a_busy_proxy(
    make_probe: Build, *, foreign: bool, outcome: str
) -> None:
    """The firewall drops what a program other than haproxy answers from the proxy's port."""
    report = check(
        HealthConfig("eth0", "172.27.153.1", 8080, "wlan0", 130),
        make_probe(refuses={8080: TIMEOUT}, foreign=foreign),
    )
    assert report.broken is not None
    assert report.broken.outcome == outcome


def test_a_proxy_that_refuses_connections_is_named(make_probe: Build) -> None:
    probe = make_probe(refuses={8080: REFUSED})
    report = check(HealthConfig("eth0", "172.27.153.1", 8080, "wlan0", 130), probe)
    assert report.broken is not None
    assert report.broken.outcome == "proxy_down"
    assert "8080" in _problem(report)
    assert probe.asked == []


def test_an_unplugged_cable_leaves_the_links_behind_it_unknown(
    make_probe: Build, config: HealthConfig
) -> None:
    probe = make_probe(
        signals={"eth0": Signal.NONE, "wlan0": Signal.UP}, ips={"wlan0": ["192.168.44.7/24"]}
    )
    report = check(config, probe)
    found = states(report.links)
    assert found["cable"] == BROKEN
    assert [found[name] for name in ("lease", "pvs", "answer")] == [UNKNOWN] * 3
    assert found["uplink"] == OK
    assert probe.asked == []


def test_a_broken_uplink_does_not_stop_the_reading(make_probe: Build, config: HealthConfig) -> None:
    report = check(config, make_probe(routes=[]))
    assert not report.healthy
    assert states(report.links)["answer"] == OK
    assert report.plant is not None


def test_without_ip_the_links_are_unknown_and_the_answer_decides(
    make_probe: Build, config: HealthConfig
) -> None:
    report = check(config, make_probe(routes=ProbeError("not checked: the program ip is missing")))
    assert states(report.links)["route"] == states(report.links)["uplink"] == UNKNOWN
    assert report.healthy


def test_a_cached_answer_has_an_age(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    shared = dataclasses.replace(reply(), headers={"via": "1.1 pvs-bridge", "age": "12"})
    report = check(config, make_probe(answers=[shared]))
    assert report.links[-1].seen.endswith(" s, 12 s old")


# The compat service adds those that the PVS has listed before.
LOST = [
    {**each, "STATE": "error", "STATEDESCR": "Missing"}
    if each["DEVICE_TYPE"] == "Inverter"
    else each
    for each in make_devices(3, night=True)
]
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
    ("firmware_too_old", {"body": b"\n<html>Welcome</html>"}),
    ("no_panels", {"body": make_body(make_devices(0))}),
    ("no_panels", {"body": make_body(LOST)}),
    ("damaged_answer", {"body": b'{"result": "succeed"}'}),
    ("damaged_answer", {"body": b'{"result": "succeed", "devices": {}}'}),
    ("damaged_answer", {"body": b'{"devices": []}'}),
    ("damaged_answer", {"body": b"\xff\xfe"}),
    ("not_succeeded", {"body": b'{"result": "unknown command"}'}),
    ("not_succeeded", {"body": b'{"result": null, "devices": []}'}),
]


@pytest.mark.parametrize(("outcome", "answer"), ANSWERS)
def test_a_bad_answer_is_named(
    make_probe: Build, reply: Answers, config: HealthConfig, outcome: str, answer: Given
) -> None:
    given = answer if isinstance(answer, Exception) else reply(**answer)
    probe = make_probe(answers=[given])
    report = check(config, probe)
    assert report.broken is not None
    assert (report.broken.name, report.broken.outcome) == ("answer", outcome)
    # A plant without panels is shown, with its meters.
    assert (report.plant is None) == (outcome != "no_panels")
    assert probe.asked == [DEVICE_LIST]


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
    make_probe: Build,
    reply: Answers,
    untranslated: HealthConfig,
    outcome: str,
    about: dict[str, object],
) -> None:
    answers = [reply(403, b'{ "status":403 }'), reply(200, information(**about)), TIMEOUT]
    probe = make_probe(answers=answers)
    report = check(untranslated, probe)
    assert report.broken is not None
    assert report.broken.outcome == outcome
    assert report.interface is None
    assert probe.asked == [DEVICE_LIST, SUPERVISOR_INFO, REVISION]


@pytest.mark.parametrize(
    "about", [{"MODEL": "PVS6", "BUILD": 61839}, {"MODEL": "PVS5", "SWVER": "", "BUILD": None}]
)
@pytest.mark.parametrize(("translates", "outcome"), [(True, "translator_down"), (False, None)])
def test_a_refusal_by_firmware_with_the_new_api_is_explained_by_that(
    make_probe: Build,
    reply: Answers,
    config: HealthConfig,
    about: dict[str, object],
    translates: bool,
    outcome: str | None,
) -> None:
    answers = [reply(403, b"{}"), reply(200, information(**about)), reply(200, VARIABLE)]
    asked = dataclasses.replace(config, translates=translates)
    report = check(asked, make_probe(answers=answers * 5))
    assert (report.broken and report.broken.outcome) == outcome
    assert report.interface == (None if translates else "new")


def test_a_changed_certificate_is_a_note_and_not_a_fault(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    headers = {**BY_COMPAT, "warning": '299 pvs-bridge "Certificate Changed"'}
    report = check(config, make_probe(answers=[reply(headers=headers)]))
    assert report.healthy
    assert "/var/lib/pvs-bridge-compat/certificate" in str(report.note)


@pytest.mark.parametrize("variable", NO_VARIABLE)
def test_locked_firmware_without_the_new_api_is_a_broken_link(
    make_probe: Build, reply: Answers, untranslated: HealthConfig, variable: Given
) -> None:
    locked = information(MODEL="PVS6", BUILD=61846)
    answers = [reply(403, b"{}"), reply(200, locked), given(reply, variable)]
    report = check(untranslated, make_probe(answers=answers))
    assert report.broken is not None
    assert report.broken.outcome == "firmware_locked"
    assert "61846" in _problem(report)
    assert "compat_mode" in _hint(report)


def test_a_working_new_api_is_healthy_with_a_note(
    make_probe: Build, reply: Answers, untranslated: HealthConfig
) -> None:
    locked = information(MODEL="PVS6", BUILD=61846)
    answers = [reply(403, b"{}"), reply(200, locked), reply(200, VARIABLE)]
    report = check(untranslated, make_probe(answers=answers))
    assert report.healthy
    assert (report.interface, report.plant) == (NEW, None)
    assert "/vars answers (firmware 2025.10.13.61846)" in report.links[-1].seen
    assert "only programs that use /auth and /vars" in (report.note or "")


# With the compat service

BY_COMPAT = {"via": "1.1 pvs-bridge-compat", "age": "0"}
TRANSLATOR: list[tuple[str, dict[str, Any]]] = [
    ("pvs_restarting", {"status": 503, "body": b'{"error": "... most likely it is restarting."}'}),
    ("pvs_restarting", {"headers": {**BY_COMPAT, "age": "95", "warning": '110 - "Stale"'}}),
    ("not_translated", {"status": 503, "body": b'{"error": "It refuses.", "hint": "Do so."}'}),
    ("damaged_answer", {"status": 503, "body": b"<html>"}),
    ("damaged_answer", {"body": b'{"devices": ['}),
]


def test_a_device_list_from_the_compat_service_is_healthy(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    report = check(config, make_probe(answers=[reply(headers=BY_COMPAT)]))
    assert report.healthy
    assert report.interface == TRANSLATED
    assert report.plant is not None
    assert report.links[-1].seen == "6 devices in 6.5 s, made by the bridge from /vars"
    assert report.note is None


def test_the_device_list_of_old_firmware_needs_no_note(
    make_probe: Build, config: HealthConfig
) -> None:
    report = check(config, make_probe())
    assert (report.interface, report.note) == (OLD, None)


def test_a_routed_bridge_notes_that_the_home_gets_no_device_list(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    routed = dataclasses.replace(config, proxy_serves_home=False)
    report = check(routed, make_probe(answers=[reply(headers=BY_COMPAT)]))
    assert report.healthy
    assert "bridge_mode routed" in (report.note or "")


@pytest.mark.parametrize(("outcome", "answer"), TRANSLATOR)
def test_an_error_of_the_compat_service_is_named(
    make_probe: Build, reply: Answers, config: HealthConfig, outcome: str, answer: dict[str, Any]
) -> None:
    probe = make_probe(answers=[reply(**{"headers": BY_COMPAT, **answer})])
    report = check(config, probe)
    assert report.broken is not None
    assert report.broken.outcome == outcome
    assert probe.asked == [DEVICE_LIST]


def test_the_text_of_the_compat_service_is_shown(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    said = b'{"error": "The PVS refused the password.", "hint": "Set compat_password."}'
    report = check(config, make_probe(answers=[reply(503, said, headers=BY_COMPAT)]))
    assert _problem(report).endswith("new API. The PVS refused the password.")
    assert _hint(report) == "Set compat_password."


DOWN = b'{"error": "...", "hint": "systemctl status pvs-bridge-compat ..."}'


def test_a_starting_compat_service_is_waited_for(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    locked = reply(200, information(MODEL="PVS6", BUILD=61846))
    gone = reply(503, DOWN, server=None)
    answers = [reply(403, b"{}"), locked, gone, reply(headers=BY_COMPAT)]
    probe = make_probe(answers=answers)
    report = check(config, probe, wait=60)
    assert report.healthy
    assert probe.asked == [DEVICE_LIST, SUPERVISOR_INFO, DEVICE_LIST, DEVICE_LIST]


def test_a_pvs_that_the_proxy_pauses_is_waited_for(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    left_alone = reply(503, b'{"result": "error"}', server=None)
    probe = make_probe(answers=[left_alone, left_alone, reply()])
    assert check(config, probe, wait=30).healthy
    assert probe.asked == [DEVICE_LIST] * 3


def test_a_restarting_pvs_is_not_waited_for_without_the_option(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    left_alone = reply(503, b'{"result": "error"}', server=None)
    report = check(config, make_probe(answers=[left_alone, reply()]))
    assert report.broken is not None
    assert report.broken.outcome == "pvs_restarting"


def test_a_compat_service_that_stays_down_is_named(
    make_probe: Build, reply: Answers, config: HealthConfig
) -> None:
    locked = reply(200, information(MODEL="PVS6", BUILD=61846))
    report = check(config, make_probe(answers=[reply(403, b"{}"), locked] * 3))
    assert report.broken is not None
    assert report.broken.outcome == "translator_down"
    assert "61846" in _problem(report)
    assert "pvs-bridge-compat" in _hint(report)


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
def test_a_refusal_of_unknown_firmware_is_named(
    make_probe: Build, reply: Answers, config: HealthConfig, second: Given
) -> None:
    given = second if isinstance(second, Exception) else reply(**second)
    probe = make_probe(answers=[reply(403, b"{}"), given, reply(404, b"")])
    report = check(config, probe)
    assert report.broken is not None
    assert report.broken.outcome == "answer_refused"
    assert "did not report its build" in _problem(report)


def test_a_network_that_comes_up_while_waiting_is_healthy(
    make_probe: Build, config: HealthConfig
) -> None:
    def lease(probe: Any) -> None:  # noqa: ANN401 - the bridge
        if probe.now >= 5:
            probe.ips["eth0"] = ["172.27.153.20/24"]

    probe = make_probe(ips={"eth0": [], "wlan0": ["192.168.44.7/24"]}, later=lease)
    report = check(config, probe, wait=30)
    assert report.healthy
    assert probe.naps == 3
    assert probe.asked == [DEVICE_LIST]


def test_waiting_ends(make_probe: Build, config: HealthConfig) -> None:
    probe = make_probe(routes=[])
    report = check(config, probe, wait=10)
    assert report.broken is not None
    assert probe.naps == 5
    assert probe.asked == [DEVICE_LIST]


def test_every_outcome_has_a_test() -> None:
    seen = {outcome for outcome, *_ in (*CHEAP, *ANSWERS, *FIRMWARES, *TRANSLATOR, *AT_HOME)}
    assert seen | {"translator_down"} == set(OUTCOMES)


@pytest.mark.parametrize("name", OUTCOMES)
def test_problem_and_hint_are_whole_sentences(config: HealthConfig, name: str) -> None:
    facts = {
        "pvs_network": config.pvs_network,
        "build": "61846",
        "status": "429",
        "port": "443",
        "firmware": "it did not report its build",
        "error": "The PVS refused the password.",
        "hint": "Set compat_password.",
        **vars(config),
    }
    for text in (OUTCOMES[name].problem, OUTCOMES[name].hint):
        words = text.format_map(facts)
        assert words.endswith(".")
        assert "{" not in words
