"""While the firmware is locked, haproxy sends requests of the old API to the compat service."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from bridges.proxy.home import DEVICE_LIST, Home, is_refusal
from bridges.proxy.owner import LOCKED, new_api

from proxy_rig.compat_service import CompatService, compat_service
from proxy_rig.rendering import variables
from pvs_lab.process import wait_until
from pvs_sim.client import Answer

OPEN = 61707
CGI = "/cgi-bin/dl_cgi"
COMPAT = (
    DEVICE_LIST,
    f"{CGI}?Command=Get_Comm",
    f"{CGI}?Command=Get_Comm&SerialNumber=ZT180",
    f"{CGI}?Command=CheckFW",
    f"{CGI}?Command=GetCellPurchased",
    f"{CGI}?Command=GetSupervisorInformation",
    f"{CGI}?Command=GridProfileGet",
    f"{CGI}?Command=Start",
    f"{CGI}?Command=Stop",
    f"{CGI}/communication/interfaces",
    f"{CGI}/devices/list",
    f"{CGI}/energy-storage-system/status",
    f"{CGI}/network/interfaces",
    f"{CGI}/network/powerProduction",
)
OTHERS = (f"{CGI}?Command=ExportLimitGet", f"{CGI}?Command=GridProfileList")
SETTLE_SECONDS = 8


def test_every_request_of_the_compat_service_is_tested_below() -> None:
    role = variables({})
    tried = {target.removeprefix(CGI) for target in COMPAT if "&" not in target}
    assert tried == {
        *(f"?Command={name}" for name in role["__proxy_compat_commands"]),
        *(f"/{path}" for path in role["__proxy_compat_paths"]),
    }


@pytest.fixture
def house(home: Home) -> Iterator[tuple[Home, CompatService]]:
    """A bridge whose haproxy has no cache, with the compat service."""
    with (
        home.bridge(proxy_cache_seconds=0) as haproxy,
        compat_service(home.world, haproxy) as program,
    ):
        yield home, program


def by(answer: Answer) -> str:
    """Where an answer comes from: pvs, compat or bridge."""
    via = answer.header("Via")
    return {"1.1 pvs-bridge": "pvs", "1.1 pvs-bridge-compat": "compat"}.get(via or "", "bridge")


def install(home: Home, build: int) -> None:
    """Give the PVS another firmware, as an update does."""
    home.pvs.call(lambda box: box.install(build))


def comes_from(home: Home, source: str) -> Callable[[], bool]:
    """Whether Stop, the cheapest command, gets a good answer from there."""

    def is_so() -> bool:
        answer = home.ask(f"{CGI}?Command=Stop")
        return (answer.status, by(answer)) == (200, source)

    return is_so


def wait_for_compat(home: Home, program: CompatService) -> None:
    """Wait until the compat service answers."""
    assert wait_until(comes_from(home, "compat"), SETTLE_SECONDS), program.log.read_text()


def test_older_firmware_answers_itself(house: tuple[Home, CompatService]) -> None:
    home, program = house
    # Long enough for the compat service to answer by mistake.
    for _ in range(12):
        assert by(home.ask(f"{CGI}?Command=Start")) == "pvs"
        time.sleep(0.25)
    answers = {target: home.ask(target) for target in COMPAT}
    assert {by(answer) for answer in answers.values()} == {"pvs"}
    assert {answer.status for answer in answers.values()} == {200}
    assert home.stats()["logins"] == 0, program.log.read_text()


def test_a_firmware_update_costs_a_program_one_answer_at_most(
    house: tuple[Home, CompatService],
) -> None:
    home, program = house
    assert wait_until(comes_from(home, "pvs"), SETTLE_SECONDS)
    time.sleep(2)
    answers = []
    for number in range(20):
        if number == 4:
            install(home, LOCKED)
        answers.append(home.ask())
        time.sleep(2.5 if number == 4 else 0.4)
    found = [(each.status, by(each)) for each in answers]
    assert found == [(200, "pvs")] * 4 + [(403, "pvs")] + [(200, "compat")] * 15, (
        program.log.read_text()
    )
    assert home.stats()["logins"] == 1
    assert home.stats()["most_in_flight"]["total"] == 1


def test_the_pvs_answers_what_the_compat_service_does_not(
    house: tuple[Home, CompatService],
) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    for target in COMPAT:
        answer = home.ask(target)
        assert (answer.status, by(answer)) == (200, "compat"), target
        assert answer.header("Age") is not None
        assert answer.header("Cache-Control") == "no-store"
        assert isinstance(answer.json(), dict)
    for target in OTHERS:
        answer = home.ask(target)
        assert (answer.status, by(answer)) == (403, "pvs"), target
    assert by(home.ask(f"{CGI}/supervisor/info")) == "pvs"


def test_head_gets_no_body_from_the_compat_service(house: tuple[Home, CompatService]) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    answer = home.ask(method="HEAD")
    assert (answer.status, by(answer), answer.body) == (200, "compat", b"")


@pytest.mark.parametrize("header", [b"X-A: \x7f", b"Cookie: a=\x7f", b"X\x7f: a", b"Accept: \x01"])
def test_no_header_of_a_program_reaches_the_compat_service(
    house: tuple[Home, CompatService], header: bytes
) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    target = f"{CGI}?Command=Stop".encode()
    answer = home.exchange(
        b"GET %b HTTP/1.1\r\nHost: bridge\r\n%b\r\nConnection: close\r\n\r\n" % (target, header)
    )
    # haproxy itself refuses bytes that HTTP does not allow in a name.
    assert answer[9:12] == (b"400" if header.startswith(b"X\x7f") else b"200")
    assert "Traceback" not in program.log.read_text()


def test_writes_are_refused_with_the_compat_service_too(house: tuple[Home, CompatService]) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    for target in (f"{CGI}?Command=SetAP", f"{DEVICE_LIST}&Command=SetAP"):
        answer = home.ask(target)
        assert answer.status == 403
        assert is_refusal(answer)
    assert home.stats()["writes"]["count"] == 0


def test_after_a_downgrade_the_pvs_answers_itself_again(
    house: tuple[Home, CompatService],
) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    home.pvs.call(lambda box: box.restart("downgrade", 3.0, (("503", 1.0),)))
    install(home, OPEN)
    assert home.ask().status == 503
    assert wait_until(comes_from(home, "pvs"), 40), program.log.read_text()


def test_after_a_crash_of_the_compat_service_the_pvs_answers(
    house: tuple[Home, CompatService],
) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    program.kill()
    answers = [home.ask()]
    assert wait_until(lambda: by(home.ask()) == "pvs", SETTLE_SECONDS)
    for answer in answers:
        assert is_refusal(answer) or by(answer) == "pvs"
        assert answer.status in {403, 503}
        assert b"pvs-bridge-compat" in answer.body or by(answer) == "pvs"
    program.start()
    wait_for_compat(home, program)


def test_the_compat_service_uses_the_same_queue_as_all_programs(
    house: tuple[Home, CompatService],
) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    home.pvs.call(lambda box: box.set_settings({"latency_seconds": 0.3}))
    targets = [DEVICE_LIST, f"{CGI}?Command=ExportLimitGet", f"{CGI}?Command=Get_Comm",
               "/vars?name=/sys/info/sw_rev"] * 4  # fmt: skip
    with home.clients(len(targets)) as pool:
        answers = list(pool.map(home.ask, targets))
    assert [each.status for each in answers] == [200, 403, 200, 200] * 4
    assert home.stats()["most_in_flight"]["total"] == 1
    assert home.stats()["logins"] == 1


def test_a_changed_certificate_is_a_warning_and_not_an_outage(
    house: tuple[Home, CompatService],
) -> None:
    home, program = house
    new_api(home)
    wait_for_compat(home, program)
    before = home.ask()
    assert (before.status, before.header("Warning")) == (200, None)
    home.pvs.change_https(renew=True)

    def warned() -> bool:
        answer = home.ask()
        return answer.status == 200 and "299 " in (answer.header("Warning") or "")

    assert wait_until(warned, SETTLE_SECONDS), program.log.read_text()
    assert program.log.read_text().count("certificate has changed") == 1


def test_a_refusal_until_a_power_cycle_is_translated_until_then(
    house: tuple[Home, CompatService],
) -> None:
    home, program = house
    install(home, 61839)
    home.pvs.call(lambda box: box.set_settings({"random_403": 1.0}))
    wait_for_compat(home, program)
    home.pvs.call(lambda box: box.restart("power cycle", 3.0, (("503", 1.0),)))
    assert home.ask().status == 503
    assert wait_until(comes_from(home, "pvs"), 40), program.log.read_text()


def test_the_socket_of_the_compat_service_passes_only_what_it_needs(home: Home) -> None:
    with home.bridge() as haproxy:
        new_api(home)
        path = f"/proc/{haproxy.pid}/root/run/haproxy/compat.sock"
        statuses = {
            target: ask_by_socket(path, target)
            for target in ("/vars?name=/sys/info/serialnum", f"{CGI}/supervisor/info", DEVICE_LIST,
                           "/auth?login", "/vars?set=/sys/telemetryws/enable=1", "/",
                           f"{CGI}?Command=SetAP", f"{CGI}?Command=Start", f"{CGI}/devices/list")
        }  # fmt: skip
    # The PVS refuses the last one, because it has no session.
    assert list(statuses.values()) == [200, 200, 403, 401, 403, 403, 403, 403, 403]
    assert home.stats()["requests"] == 5


def ask_by_socket(path: str, target: str) -> int:
    """Send a request to a Unix socket of haproxy; return the status."""
    connection = http.client.HTTPConnection("haproxy")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", target)
    status = connection.getresponse().status
    connection.close()
    return status


def test_without_the_compat_service_its_sockets_do_not_exist(home: Home) -> None:
    with home.bridge(compat_mode="off") as haproxy:
        new_api(home)
        assert by(home.ask()) == "pvs"
        found = sorted(each.name for each in haproxy.sockets)
    assert found == ["admin.sock", "serial.sock"]
