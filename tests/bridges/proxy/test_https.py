"""The newer API is asked by HTTPS, by HTTP where a PVS has it there, and always one at a time."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bridges.proxy.home import DEVICE_LIST, PVS, Home, is_refusal
from bridges.proxy.owner import ask_to_log_in, log_in, new_api

from pvs_lab.process import wait_until

MODEL = "/vars?name=/sys/info/model"
READING = "/vars?match=inverter"
Serve = Callable[..., Home]


def listeners(home: Home, path: str = "/vars") -> list[str]:
    """By which port the PVS was asked for a path."""
    log = home.pvs.log()
    return [record["listener"] for record in log if record["path"] == path]


def settings(home: Home, **changes: Any) -> None:  # noqa: ANN401 - any setting
    """Change how the PVS behaves."""
    home.pvs.call(lambda box: box.set_settings(changes))


@pytest.mark.core
def test_the_newer_api_is_asked_by_https_and_the_older_one_by_http(serve: Serve) -> None:
    home = new_api(serve())
    cookie = log_in(home)
    assert home.ask(READING, headers=cookie).status == 200
    home.ask()
    assert listeners(home, "/auth") == listeners(home) == ["https"]
    assert listeners(home, "/cgi-bin/dl_cgi") == ["http"]


@pytest.mark.parametrize("http_api", ["off", "redirect"])
def test_a_pvs_that_redirects_http_is_read_by_https(serve: Serve, http_api: str) -> None:
    home = new_api(serve())
    settings(home, http_api=http_api)
    assert home.ask(MODEL).status == 200
    assert listeners(home) == ["https"]


def is_asked_by_https(home: Home) -> bool:
    """Whether the bridge asks for a variable by HTTPS now."""
    return home.ask(MODEL).status == 200 and listeners(home)[-1] == "https"


@pytest.fixture
def without_https(serve: Serve) -> Iterator[Home]:
    """A PVS that has the newer API by HTTP, and opens its port 443 in the end."""
    home = new_api(serve())
    settings(home, http_api="on")
    home.pvs.change_https(on=False)
    yield home
    home.pvs.change_https()
    assert wait_until(lambda: is_asked_by_https(home), 10)


def test_a_pvs_without_https_is_asked_by_http_until_it_has_it(without_https: Home) -> None:
    home = without_https
    assert [home.ask(MODEL).status for _ in range(3)] == [200, 200, 200]
    cookie = log_in(home)
    assert home.ask(READING, headers=cookie).status == 200
    assert listeners(home) == ["http"] * 4


@pytest.mark.parametrize("http_api", ["off", "redirect"])
def test_a_pvs_that_has_lost_https_is_not_said_to_lack_the_newer_api(
    without_https: Home, http_api: str
) -> None:
    home = without_https
    settings(home, http_api=http_api)
    answer = home.ask(MODEL)
    assert (answer.status, answer.header("Retry-After")) == (503, "15")
    assert is_refusal(answer)
    assert home.ask("/").status == 200


def test_requests_by_http_and_by_https_take_turns(serve: Serve) -> None:
    home = new_api(serve())
    settings(home, latency_seconds=0.3)
    targets = [DEVICE_LIST, MODEL, "/cgi-bin/dl_cgi?Command=Get_Comm", MODEL, "/"]
    with home.clients(10) as pool:
        answers = list(pool.map(home.ask, targets * 2))
    assert [each.status for each in answers] == [403, 200, 403, 200, 200] * 2
    assert home.stats()["most_in_flight"]["total"] == 1
    assert {record["listener"] for record in home.pvs.log()} == {"http", "https"}


@pytest.mark.parametrize("cookie", [True, False])
def test_a_session_in_the_body_of_a_login_counts_as_one(serve: Serve, *, cookie: bool) -> None:
    home = new_api(serve())
    settings(home, session_cookie=cookie)
    login = ask_to_log_in(home)
    assert (login.header("Set-Cookie") is not None) == cookie
    session = {"Cookie": f"session={login.json()['session']}"}
    assert home.ask(READING).status == 401
    assert home.ask(READING, headers=session).status == 200
    assert home.ask("/auth?logout", headers=session).status == 200
    home.settle()
    assert home.ask(READING, headers=session).status == 401
    assert home.stats()["requests"] == 0


def test_a_refused_login_opens_nothing(serve: Serve) -> None:
    home = new_api(serve())
    settings(home, session_limit=1)
    log_in(home)
    assert ask_to_log_in(home).status == 403
    assert home.ask(READING, headers={"Cookie": "session="}).status == 401


def test_the_certificate_is_told_to_the_bridge_alone(serve: Serve) -> None:
    home = new_api(serve())
    answer = home.ask(MODEL)
    assert answer.status == 200
    assert answer.header("X-Pvs-Bridge-Certificate") is None
    assert home.haproxy is not None
    path = f"/proc/{home.haproxy.pid}/root/run/haproxy/compat.sock"
    told = {certificate_by_socket(path) for _ in range(2)}
    pem = home.world.bridge.call(lambda: ssl.get_server_certificate((PVS, 443)))
    assert told == {hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()}
    home.pvs.change_https(renew=True)
    assert wait_until(lambda: certificate_by_socket(path) not in {*told, None}, 10)


def certificate_by_socket(path: str) -> str | None:
    """Ask on a Unix socket of haproxy; return what it says about the PVS's certificate."""
    connection = http.client.HTTPConnection("haproxy")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", MODEL)
    answer = connection.getresponse()
    connection.close()
    return answer.getheader("X-Pvs-Bridge-Certificate")
