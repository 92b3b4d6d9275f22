"""Secrets that a PVS reveals need a login through the bridge, whose session cookie works here."""

from __future__ import annotations

import http.cookies
from collections.abc import Callable

import pytest
from bridges.proxy.home import Home, is_refusal
from bridges.proxy.owner import ask_to_log_in, log_in

from pvs_sim.client import Answer

Serve = Callable[..., Home]

SECRETS = ("serialnum", "ssid", "wpa_key")
OPENLY = (
    "name=/sys/info/sw_rev",
    "name=/sys/info/model,/sys/info/sw_rev&fmt=obj",
    "fmt=obj&name=/sys/info/model%2C%2Fsys%2Finfo%2Fhwrev",
    "name=%2Fsys%2Finfo%2Flmac&fmt=list",
)
CLOSED = (
    *(f"name=/sys/info/{name}" for name in SECRETS),
    *(f"name=%2Fsys%2finfo%2F{name}&fmt=obj" for name in SECRETS),
    # The PVS does not answer for minutes.
    "name=/sys/info/nosuchvariable",
    "name=/sys/info/model,/sys/info/nosuchvariable",
    "name=/sys/info/",
    "name=",
    "name=/sys/info/model/",
    "name=/sys/info/sw_revision",
    "name=/sys/livedata/pv_p",
    "name=/sys/info/sw_rev,/sys/info/wpa_key",
    "name=/sys/info/sw_rev%2C/sys/info/wpa_key",
    "name=/sys/info/sw_rev&name=/sys/info/wpa_key",
    "name=/sys/info/*",
    "match=info",
    "match=sys",
    "match=/",
    "match=wpa",
    "match=inverter",
    "match=sw_rev&name=/sys/info/sw_rev",
    "name=/sys/info/sw_rev&match=info",
    "name=/sys/info/sw_rev&cache=mine",
    "cache=mine",
    "fmt=obj",
)
MADE_UP = {"Cookie": "session=bWFkZSB1cA"}


def by_both(home: Home, query: str, headers: dict[str, str] | None = None) -> list[Answer]:
    """Ask for variables in the address and in a body."""
    return [
        home.ask(f"/vars?{query}", headers=headers),
        home.ask("/vars", method="POST", body=query.encode(), headers=headers),
    ]


def secrets(home: Home) -> list[bytes]:
    """The secrets that no answer must contain."""
    state = home.pvs.call(lambda box: box.state)
    return [text.encode() for text in (state.serial, state.hotspot, state.hotspot_key)]


@pytest.mark.parametrize("query", OPENLY)
def test_other_variables_need_no_login(serve_compat: Serve, query: str) -> None:
    home = serve_compat()
    assert [answer.status for answer in by_both(home, query)] == [200, 200]


@pytest.mark.parametrize("headers", [{}, MADE_UP], ids=["no cookie", "an invented cookie"])
@pytest.mark.parametrize("query", CLOSED)
def test_a_query_that_could_return_a_secret_needs_a_login(
    serve_compat: Serve, query: str, headers: dict[str, str]
) -> None:
    home = serve_compat()
    for answer in by_both(home, query, headers):
        assert answer.status == 401
        assert is_refusal(answer)
        assert "proxy_secrets_enabled" in answer.json()["hint"]
    assert home.stats()["requests"] == 0


@pytest.mark.parametrize("name", SECRETS)
def test_after_a_login_through_the_bridge_all_variables_are_readable(
    serve_compat: Serve, name: str
) -> None:
    home = serve_compat()
    session = log_in(home)
    for answer in by_both(home, f"name=/sys/info/{name}&fmt=obj", session):
        assert answer.json()[f"/sys/info/{name}"].encode() in secrets(home)


def test_a_login_that_fails_opens_nothing(serve_compat: Serve) -> None:
    home = serve_compat()
    assert home.ask("/auth?login", headers={"Authorization": "basic eDp5"} | MADE_UP).status == 401
    assert home.ask("/vars?match=info", headers=MADE_UP).status == 401
    assert home.stats()["requests"] == 0


def test_a_session_of_another_program_is_not_accepted(serve_compat: Serve) -> None:
    home = serve_compat()
    session = log_in(home)
    assert home.ask("/vars?match=info", headers=session).status == 200
    for cookie in ("", session["Cookie"][:-1], session["Cookie"] + "x", "session="):
        assert home.ask("/vars?match=info", headers={"Cookie": cookie}).status == 401


def test_after_a_logout_its_cookie_opens_nothing(serve_compat: Serve) -> None:
    home = serve_compat()
    session, other = log_in(home), log_in(home)
    assert home.ask("/auth?logout", headers=session).status == 200
    home.settle()
    for answer in by_both(home, "match=info", session):
        assert answer.status == 401
        assert is_refusal(answer)
    assert home.stats()["requests"] == 0
    assert home.ask("/vars?match=info", headers=other).status == 200


def test_logouts_with_invented_cookies_end_no_other_session(serve_compat: Serve) -> None:
    home = serve_compat()
    session = log_in(home)
    for number in range(1100):
        home.ask("/auth?logout", headers={"Cookie": f"session=made-up-{number}"})
    assert home.ask("/vars?match=info", headers=session).status == 200


@pytest.mark.parametrize("query", [*(f"name=/sys/info/{name}" for name in SECRETS), "match=info"])
def test_secrets_can_be_opened_as_the_pvs_has_them(serve_compat: Serve, query: str) -> None:
    home = serve_compat(proxy_secrets_enabled=True)
    for answer in by_both(home, query):
        assert answer.status == 200
        assert any(secret in answer.body for secret in secrets(home))
    assert home.ask("/vars?match=inverter").status == 401


@pytest.mark.parametrize("target", ["/vars?match=inverter", "/auth?login"])
@pytest.mark.parametrize("header", [b"Cookie: session=\x7f", b"Authorization: basic \x7f"])
def test_no_other_bytes_reach_the_service(serve_compat: Serve, target: str, header: bytes) -> None:
    home = serve_compat()
    text = b"GET %b HTTP/1.1\r\nHost: bridge\r\n%b\r\nConnection: close\r\n\r\n"
    answer = home.exchange(text % (target.encode(), header))
    assert answer[9:12] == b"401"


def test_a_session_s_cookie_can_be_sent_back_without_encryption(serve_compat: Serve) -> None:
    home = serve_compat()
    answer = ask_to_log_in(home)
    cookie = http.cookies.SimpleCookie(answer.header("Set-Cookie") or "")["session"]
    assert cookie.value == answer.json()["session"]
    assert not cookie["secure"]
    assert cookie["httponly"]
    session = {"Cookie": f"session={cookie.value}"}
    assert home.ask("/vars?match=inverter", headers=session).status == 200


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_session_that_the_pvs_has_ended_is_renewed_by_the_bridge(
    serve_compat: Serve, status: int
) -> None:
    home = serve_compat()
    home.pvs.call(lambda box: box.set_settings({"expired_status": status}))
    session = log_in(home)
    for logins in (1, 2, 3):
        home.pvs.call(lambda box: box.sessions.clear())
        # The meters are read each time.
        assert home.ask("/vars?match=/sys/devices/meter/", headers=session).status == 200
        assert home.stats()["logins"] == logins


def test_the_pvs_gets_no_session_and_no_password_of_a_client(serve_compat: Serve) -> None:
    home = serve_compat(proxy_secrets_enabled=True)
    for headers in (log_in(home), MADE_UP, {"Authorization": "basic c2VjcmV0"}):
        for target in ("/vars?match=livedata", "/", "/cgi-bin/dl_cgi/supervisor/info"):
            home.ask(target, headers=headers)
    for record in home.pvs.log():
        sent = {name.lower() for name, _ in record["headers"]}
        assert not sent & {"authorization", "x-pvs-bridge-access"}
        assert ("cookie" in sent) == record["line"].startswith("GET /vars?")


@pytest.mark.parametrize("header", ["X-Pvs-Bridge-Access", "x-pvs-bridge-access"])
def test_a_client_cannot_speak_for_haproxy(serve_compat: Serve, header: str) -> None:
    home = serve_compat()
    assert home.ask("/vars?match=inverter", headers={header: "named"}).status == 401
    assert home.ask("/auth?login", headers={header: "named"}).status == 401
