"""The newer API is asked by HTTPS, by HTTP where a PVS has it there, and always one at a time."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bridges.proxy.home import DEVICE_LIST, PVS, Home, is_refusal
from bridges.proxy.owner import new_api

from pvs_lab.process import wait_until
from pvs_sim.client import Answer

MODEL = "/vars?name=/sys/info/model"
READING = "/vars?match=inverter"
Serve = Callable[..., Home]


def listeners(home: Home, path: str = "/vars") -> list[str]:
    """By which port the PVS was asked for a path."""
    log = home.pvs.log()
    return [record["listener"] for record in log if record["path"] == path]


def ask_upstream(home: Home, target: str = MODEL, cookie: str = "", login: str = "") -> Answer:
    """Ask as the compat service does."""
    assert home.haproxy is not None
    connection = http.client.HTTPConnection("haproxy", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(30)
    connection.sock.connect(f"/proc/{home.haproxy.pid}/root/run/haproxy/compat.sock")
    try:
        headers = {"Cookie": f"session={cookie}"} if cookie else {}
        headers |= {"Authorization": f"basic {login}"} if login else {}
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, tuple(answer.getheaders()), answer.read())
    finally:
        connection.close()


def session_of(home: Home) -> str:
    """Log in as the compat service does; return the session of the PVS."""
    password = home.pvs.call(lambda box: box.state.password)
    login = base64.b64encode(f"ssm_owner:{password}".encode()).decode()
    answer = ask_upstream(home, "/auth?login", login=login)
    assert answer.status == 200
    return str(answer.json()["session"])


def settings(home: Home, **changes: Any) -> None:  # noqa: ANN401 - any setting
    """Change how the PVS behaves."""
    home.pvs.call(lambda box: box.set_settings(changes))


@pytest.mark.core
def test_the_newer_api_is_asked_by_https_and_the_older_one_by_http(serve: Serve) -> None:
    home = new_api(serve())
    assert ask_upstream(home, READING, session_of(home)).status == 200
    home.ask()
    assert listeners(home, "/auth") == listeners(home) == ["https"]
    assert listeners(home, "/cgi-bin/dl_cgi") == ["http"]


@pytest.mark.parametrize("http_api", ["off", "redirect"])
def test_a_pvs_that_redirects_http_is_read_by_https(serve: Serve, http_api: str) -> None:
    home = new_api(serve())
    settings(home, http_api=http_api)
    assert ask_upstream(home).status == 200
    assert listeners(home) == ["https"]


def is_asked_by_https(home: Home) -> bool:
    """Whether the bridge asks for a variable by HTTPS now."""
    return ask_upstream(home).status == 200 and listeners(home)[-1] == "https"


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
    assert [ask_upstream(home).status for _ in range(3)] == [200, 200, 200]
    assert ask_upstream(home, READING, session_of(home)).status == 200
    assert listeners(home) == ["http"] * 4


@pytest.mark.parametrize("http_api", ["off", "redirect"])
def test_a_pvs_that_has_lost_https_is_not_said_to_lack_the_newer_api(
    without_https: Home, http_api: str
) -> None:
    home = without_https
    settings(home, http_api=http_api)
    answer = ask_upstream(home)
    assert (answer.status, answer.header("Retry-After")) == (503, "15")
    assert is_refusal(answer)
    assert home.ask("/").status == 200


def test_requests_by_http_and_by_https_take_turns(serve: Serve) -> None:
    home = new_api(serve())
    settings(home, latency_seconds=0.3)
    targets = [DEVICE_LIST, MODEL, "/cgi-bin/dl_cgi?Command=Get_Comm", MODEL, "/"]
    with home.clients(10) as pool:
        asking = [
            pool.submit(ask_upstream, home) if target == MODEL else pool.submit(home.ask, target)
            for target in targets * 2
        ]
        answers = [each.result() for each in asking]
    assert [each.status for each in answers] == [403, 200, 403, 200, 200] * 2
    assert home.stats()["most_in_flight"]["total"] == 1
    assert {record["listener"] for record in home.pvs.log()} == {"http", "https"}


def test_the_certificate_is_told_to_the_bridge_alone(serve: Serve) -> None:
    home = new_api(serve())
    answer = home.ask("/vars?name=/sys/info/sw_rev")
    assert answer.status == 200
    assert answer.header("X-Pvs-Bridge-Certificate") is None
    told = {certificate(home) for _ in range(2)}
    pem = home.world.bridge.call(lambda: ssl.get_server_certificate((PVS, 443)))
    assert told == {hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()}
    home.pvs.change_https(renew=True)
    assert wait_until(lambda: certificate(home) not in {*told, None}, 10)


def certificate(home: Home) -> str | None:
    """Return what haproxy tells the compat service about the PVS's certificate."""
    return ask_upstream(home).header("X-Pvs-Bridge-Certificate")
