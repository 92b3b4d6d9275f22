"""While the firmware is locked, the older interface is asked of who translates the newer one."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from proxy.home import DEVICE_LIST, Home, is_refusal
from proxy.owner import LOCKED, new_api

from proxy_rig.rendering import variables
from proxy_rig.translator import Translator, translating
from pvs_lab.process import wait_until
from pvs_sim.client import Answer

OPEN = 61707
CGI = "/cgi-bin/dl_cgi"
TRANSLATED = (
    DEVICE_LIST,
    f"{CGI}?Command=Get_Comm",
    f"{CGI}?Command=Get_Comm&SerialNumber=ZT180",
    f"{CGI}?Command=GetSupervisorInformation",
    f"{CGI}?Command=GridProfileGet",
    f"{CGI}?Command=Start",
    f"{CGI}?Command=Stop",
    f"{CGI}/communication/interfaces",
    f"{CGI}/devices/list",
    f"{CGI}/energy-storage-system/status",
)
NOT_TRANSLATED = (f"{CGI}?Command=GetCellPurchased", f"{CGI}?Command=GridProfileList")
SETTLE_SECONDS = 8


def test_everything_that_is_translated_is_tried_below() -> None:
    role = variables({})
    tried = {target.removeprefix(CGI) for target in TRANSLATED if "&" not in target}
    assert tried == {
        *(f"?Command={name}" for name in role["__proxy_compat_commands"]),
        *(f"/{path}" for path in role["__proxy_compat_paths"]),
    }


@pytest.fixture
def house(home: Home) -> Iterator[tuple[Home, Translator]]:
    """A bridge whose haproxy shares nothing for long, with the translating program beside it."""
    with home.bridge(proxy_cache_seconds=0) as haproxy, translating(home.world, haproxy) as program:
        yield home, program


def by(answer: Answer) -> str:
    """Who has made an answer: pvs, compat or bridge."""
    via = answer.header("Via")
    return {"1.1 pvs-bridge": "pvs", "1.1 pvs-bridge-compat": "compat"}.get(via or "", "bridge")


def install(home: Home, build: int) -> None:
    """Give the PVS another firmware, as an update does."""
    home.pvs.call(lambda box: box.install(build))


def comes_from(home: Home, who: str) -> Callable[[], bool]:
    """Whether Stop, which costs a PVS least, is answered well by somebody."""

    def is_so() -> bool:
        answer = home.ask(f"{CGI}?Command=Stop")
        return (answer.status, by(answer)) == (200, who)

    return is_so


def is_translated(home: Home, program: Translator) -> None:
    """Wait until the newer interface is translated."""
    assert wait_until(comes_from(home, "compat"), SETTLE_SECONDS), program.log.read_text()


def test_older_firmware_answers_for_itself(house: tuple[Home, Translator]) -> None:
    home, program = house
    # Long enough to be found out, if somebody came in between.
    for _ in range(12):
        assert by(home.ask(f"{CGI}?Command=Start")) == "pvs"
        time.sleep(0.25)
    answers = {target: home.ask(target) for target in TRANSLATED}
    assert {by(answer) for answer in answers.values()} == {"pvs"}
    assert {answer.status for answer in answers.values()} == {200}
    assert home.stats()["logins"] == 0, program.log.read_text()


def test_a_firmware_update_costs_a_program_one_answer_at_most(
    house: tuple[Home, Translator],
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


def test_what_is_not_translated_is_the_pvs_s_to_refuse(house: tuple[Home, Translator]) -> None:
    home, program = house
    new_api(home)
    is_translated(home, program)
    for target in TRANSLATED:
        answer = home.ask(target)
        assert (answer.status, by(answer)) == (200, "compat"), target
        assert answer.header("Age") is not None
        assert answer.header("Cache-Control") == "no-store"
        assert isinstance(answer.json(), dict)
    for target in NOT_TRANSLATED:
        answer = home.ask(target)
        assert (answer.status, by(answer)) == (403, "pvs"), target
    assert by(home.ask(f"{CGI}/supervisor/info")) == "pvs"


def test_head_of_a_translated_answer_brings_no_body(house: tuple[Home, Translator]) -> None:
    home, program = house
    new_api(home)
    is_translated(home, program)
    answer = home.ask(method="HEAD")
    assert (answer.status, by(answer), answer.body) == (200, "compat", b"")


def test_what_writes_is_refused_as_ever(house: tuple[Home, Translator]) -> None:
    home, program = house
    new_api(home)
    is_translated(home, program)
    for target in (f"{CGI}?Command=SetAP", f"{DEVICE_LIST}&Command=SetAP"):
        answer = home.ask(target)
        assert answer.status == 403
        assert is_refusal(answer)
    assert home.stats()["writes"]["count"] == 0


def test_older_firmware_that_comes_back_answers_for_itself_again(
    house: tuple[Home, Translator],
) -> None:
    home, program = house
    new_api(home)
    is_translated(home, program)
    home.pvs.call(lambda box: box.restart("downgrade", 3.0, (("503", 1.0),)))
    install(home, OPEN)
    assert home.ask().status == 503
    assert wait_until(comes_from(home, "pvs"), 40), program.log.read_text()


def test_a_program_that_has_crashed_leaves_all_as_it_was_without_it(
    house: tuple[Home, Translator],
) -> None:
    home, program = house
    new_api(home)
    is_translated(home, program)
    program.kill()
    answers = [home.ask()]
    assert wait_until(lambda: by(home.ask()) == "pvs", SETTLE_SECONDS)
    for answer in answers:
        assert is_refusal(answer) or by(answer) == "pvs"
        assert answer.status in {403, 503}
        assert b"pvs-bridge-compat" in answer.body or by(answer) == "pvs"
    program.start()
    is_translated(home, program)


def test_who_translates_asks_by_the_same_turns_as_everybody(
    house: tuple[Home, Translator],
) -> None:
    home, program = house
    new_api(home)
    is_translated(home, program)
    home.pvs.call(lambda box: box.set_settings({"latency_seconds": 0.3}))
    targets = [DEVICE_LIST, f"{CGI}?Command=GetCellPurchased", f"{CGI}?Command=Get_Comm",
               "/vars?name=/sys/info/sw_rev"] * 4  # fmt: skip
    with home.clients(len(targets)) as pool:
        answers = list(pool.map(home.ask, targets))
    assert [each.status for each in answers] == [200, 403, 200, 200] * 4
    assert home.stats()["most_in_flight"]["total"] == 1
    assert home.stats()["logins"] == 1


def test_the_way_for_who_translates_passes_on_no_more_than_it_needs(home: Home) -> None:
    with home.bridge() as haproxy:
        new_api(home)
        path = f"/proc/{haproxy.pid}/root/run/haproxy/compat.sock"
        statuses = {
            target: ask_by_socket(path, target)
            for target in ("/vars?name=/sys/info/serialnum", f"{CGI}/supervisor/info", DEVICE_LIST,
                           "/auth?login", "/vars?set=/sys/telemetryws/enable=1", "/",
                           f"{CGI}?Command=SetAP", f"{CGI}?Command=Start", f"{CGI}/devices/list")
        }  # fmt: skip
    assert list(statuses.values()) == [200, 200, 403, 401, 403, 403, 403, 403, 403]
    assert home.stats()["requests"] == 4


def ask_by_socket(path: str, target: str) -> int:
    """Ask at a Unix socket of haproxy's; the status."""
    connection = http.client.HTTPConnection("haproxy")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", target)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_bridge_that_translates_nothing_has_no_way_for_it(home: Home) -> None:
    with home.bridge(compat_mode="off") as haproxy:
        new_api(home)
        assert by(home.ask()) == "pvs"
        found = sorted(each.name for each in haproxy.sockets)
    assert found == ["admin.sock"]
