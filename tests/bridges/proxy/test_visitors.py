"""Which clients are served: by host name, origin, network, password and rate."""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from bridges.proxy.home import BRIDGE, DEVICE_LIST, Home, is_refusal
from bridges.proxy.owner import log_in

from proxy_rig.rendering import variables
from proxy_rig.world import STRANGER
from pvs_bridge.proxy.drain import AdminSocket
from pvs_sim.client import Answer

Serve = Callable[..., Home]

OWN = {"Host": "bridge"}
LOOPBACK: dict[str, Any] = {"source": "127.0.0.1", "address": "127.0.0.1"}
NEIGHBOUR = "192.168.20.11"
DASHBOARD = "http://dashboard.lan:3000"
NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
CUT = r"reset|closed"
STATS_PORT: int = variables({})["proxy_stats_port"]
CONNECTIONS: int = variables({})["__proxy_client_connections"]
LIVE_DATA_CONNECTIONS: int = variables({})["__proxy_frontends"]["live_data"]["client"]


def served(answer: Answer) -> bool:
    """Whether the PVS has answered; the test fails where the bridge says no in another form."""
    if answer.header("Via") == "1.1 pvs-bridge":
        return True
    assert is_refusal(answer)
    assert answer.header("Access-Control-Allow-Origin") is None
    return False


def asked(home: Home) -> int:
    """How often the PVS was asked."""
    return int(home.stats()["requests"])


def say(home: Home, command: str) -> str:
    """What haproxy answers to a command of its administrator's."""
    assert home.haproxy is not None
    return AdminSocket(home.haproxy.admin_socket).command(command)


# Names


@pytest.mark.parametrize(
    "name",
    [
        "bridge", "bridge:80", "BRIDGE", "Bridge.Local", "bridge.local.", "bridge.local.:80",
        "bridge.lan", "bridge.home", "bridge.internal", "bridge.home.arpa", "bridge.localdomain",
        "localhost", BRIDGE, f"{BRIDGE}:80",
        f"{BRIDGE}:8000",
    ],
)  # fmt: skip
def test_the_bridge_answers_to_its_own_names_and_address(serve: Serve, name: str) -> None:
    home = serve()
    assert served(home.ask(headers={"Host": name}))


@pytest.mark.parametrize(
    "name",
    [
        "", ".", ":", ":80", "evil.example", "evil.example:80", "bridge.evil.example",
        "bridge.local.evil.example", "evilbridge", "bridge-evil", "bridge..", "bridge.local..",
        ".bridge", "bridge.com", "sunpowerconsole.com.evil.example", "console.sunpowerconsole.com",
        "sunpowerconsole.org", "evil.example, bridge", "bridge, evil.example", "bridge evil",
        "bridge@evil.example", "evil.example@bridge", "evil.example:80@bridge", "evil/bridge",
        "evil.example#bridge", "evil.example?bridge", "evil.example\\bridge", "bridge%2eevil",
        "127.0.0.1", "192.168.20.21", "172.27.153.1", "192.168.5140", "0xc0a81414", "3232240660",
        "192.168.20.020", f"{BRIDGE}.evil.example", f"evil.example.{BRIDGE}", "[::1]",
        "[::ffff:192.168.20.20]", "garage.local",
    ],
)  # fmt: skip
def test_no_other_name_is_answered(serve: Serve, name: str) -> None:
    home = serve()
    for target in (DEVICE_LIST, "/"):
        request = f"GET {target} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
        said = home.exchange(request.encode())
        assert said.split(b" ")[1] in {b"400", b"421"}
    assert asked(home) == 0


def test_the_installer_s_name_belongs_to_the_bridge_only_with_its_name_server(
    serve: Serve,
) -> None:
    names = ("sunpowerconsole.com", "www.sunpowerconsole.com:80")
    # The owner of the domain could point it at the bridge.
    for name in names:
        assert not served(serve().ask(headers={"Host": name})), name
    home = serve(console_dns_enabled=True)
    for name in names:
        assert served(home.ask(headers={"Host": name})), name


def test_a_foreign_name_is_refused_with_a_hint(serve: Serve) -> None:
    home = serve()
    answer = home.ask(headers={"Host": 'evil".example'})
    assert answer.status == 421
    assert is_refusal(answer)
    assert answer.json()["error"] == 'This bridge does not have the name evil".example.'
    assert "proxy_hostnames" in answer.json()["hint"]


def test_a_program_without_a_host_header_is_served(serve: Serve) -> None:
    home = serve()
    said = home.exchange(f"GET {DEVICE_LIST} HTTP/1.0\r\n\r\n".encode())
    assert said.split(b" ")[1] == b"200"
    ((host,),) = [
        [value for name, value in record["headers"] if name.lower() == "host"]
        for record in home.pvs.log()
    ]
    assert host == "172.27.153.1"


@pytest.mark.parametrize(
    "hosts",
    [("bridge", "evil.example"), ("evil.example", "bridge"), ("", "bridge"), ("bridge", "")],
)
def test_two_names_at_once_are_one_too_many(serve: Serve, hosts: tuple[str, str]) -> None:
    home = serve()
    first, second = hosts
    request = f"GET {DEVICE_LIST} HTTP/1.1\r\nHost: {first}\r\nHost: {second}\r\n"
    said = home.exchange(f"{request}Connection: close\r\n\r\n".encode())
    assert said.split(b" ")[1] in {b"400", b"421"}
    assert asked(home) == 0


@pytest.mark.parametrize(
    "authority", ["evil.example", "bridge@evil.example", "evil.example@bridge", "bridge:80@evil"]
)
@pytest.mark.parametrize("host", ["bridge", ""])
def test_a_name_in_the_request_line_opens_nothing(serve: Serve, authority: str, host: str) -> None:
    home = serve()
    host = host or authority
    request = f"GET http://{authority}{DEVICE_LIST} HTTP/1.1\r\nHost: {host}\r\n"
    said = home.exchange(f"{request}Connection: close\r\n\r\n".encode())
    if said.split(b" ")[1] == b"200":
        # What is asked of the bridge under its own name, and forwarded under the PVS's.
        assert host == "bridge"
        (record,) = home.pvs.log()
        assert record["line"] == f"GET {DEVICE_LIST} HTTP/1.1"
        assert ["host", "172.27.153.1"] in record["headers"]
    else:
        assert said.split(b" ")[1] in {b"400", b"421"}
        assert asked(home) == 0


def test_names_can_be_added_and_those_of_the_bridge_follow_its_own(serve: Serve) -> None:
    home = serve(
        inventory_hostname="garage",
        inventory_hostname_short="garage",
        proxy_hostnames=["PVS.fritz.box", "solar.example.org"],
    )
    for name in ("garage", "Garage.LAN", "pvs.fritz.box", "solar.example.org:80"):
        assert served(home.ask(headers={"Host": name})), name
    for name in ("garage.evil.example", "bridge", "bridge.local", "fritz.box", "x.pvs.fritz.box"):
        assert not served(home.ask(headers={"Host": name})), name


# Pages of other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://bridge"},
        {"Origin": "http://bridge:80"},
        {"Origin": "http://Bridge"},
        {"Origin": "http://bridge", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
        {"Referer": "http://bridge/"},
        {"Referer": "http://bridge:80/static/page.html"},
        {"Accept": NAVIGATION},
        {
            "Referer": "http://other.lan/",
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
        },
    ],
)
def test_a_page_of_the_bridge_and_a_followed_link_pass(
    serve: Serve, headers: dict[str, str]
) -> None:
    home = serve()
    for target in (DEVICE_LIST, "/", "/static/app.js"):
        assert served(home.ask(target, headers=OWN | headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://bridge.evil.example"},
        {"Origin": "http://evil.example/bridge"},
        {"Origin": "http://localhost"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "bridge"},
        {"Origin": "file://"},
        {"Origin": "http://evil.example", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Referer": "http://evil.example/"},
        {"Referer": "http://bridge.evil.example/"},
        {"Referer": "http://evil.example/bridge"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "Cross-Site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "http://evil.example"},
    ],
)
def test_a_page_of_another_site_gets_nothing(serve: Serve, headers: dict[str, str]) -> None:
    home = serve()
    for target in (DEVICE_LIST, "/", "/static/app.js"):
        answer = home.ask(target, headers=OWN | headers)
        assert answer.status == 403
        assert not served(answer)
        assert "proxy_cors_origins" in answer.json()["hint"]
    assert asked(home) == 0


# Browsers send Sec-Fetch headers only to https and localhost. A page can hide its name by a
# referrer policy, but cannot change what a browser accepts for an image or a style sheet.
@pytest.mark.parametrize(
    "accept",
    [
        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
        "text/css,*/*;q=0.1",
    ],
)
def test_a_command_is_not_an_image_or_a_style_sheet(serve: Serve, accept: str) -> None:
    home = serve()
    for target in (DEVICE_LIST, "/cgi-bin/dl_cgi/devices/list", "/vars?name=/sys/info/sw_rev"):
        answer = home.ask(target, headers=OWN | {"Accept": accept})
        assert answer.status == 403
        assert not served(answer)
    assert asked(home) == 0
    assert served(home.ask("/static/app.css", headers=OWN | {"Accept": accept}))


def test_a_link_on_another_page_leads_to_a_page_and_not_to_a_command(serve: Serve) -> None:
    home = serve()
    link = {"Referer": "http://dashboard.lan/", "Accept": NAVIGATION} | OWN
    assert served(home.ask("/", headers=link))
    for target in (DEVICE_LIST, "/vars?name=/sys/info/sw_rev", "/auth?logout"):
        assert not served(home.ask(target, headers=link))
    assert asked(home) == 1


def test_a_page_of_a_listed_site_may_say_where_it_is(serve: Serve) -> None:
    home = serve(proxy_cors_origins=[DASHBOARD])
    assert served(home.ask(headers={"Referer": f"{DASHBOARD}/panel"}))
    assert not served(home.ask(headers={"Referer": "http://dashboard.lan:3001/"}))


def test_no_page_is_told_that_it_may_read_along(serve: Serve) -> None:
    home = serve()
    for headers in (OWN, OWN | {"Origin": "http://bridge"}):
        answer = home.ask(headers=headers)
        assert answer.status == 200
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


def test_a_site_that_is_listed_gets_its_own_name_back_and_another_nothing(serve: Serve) -> None:
    home = serve(proxy_cors_origins=[DASHBOARD, "https://panel.example"])
    for origin in (DASHBOARD, "https://panel.example"):
        for more in ({}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}):
            answer = home.ask(headers={"Origin": origin} | more)
            assert answer.status == 200
            allowed = [
                value for name, value in answer.headers if name.lower().startswith("access-")
            ]
            assert allowed == [origin]
            assert "Origin" in (answer.header("Vary") or "")
    for origin in ("http://dashboard.lan", "http://dashboard.lan:3001", "https://dashboard.lan:3000",
                   "http://evil.example", f"{DASHBOARD}.evil.example", "null", "*",
                   f"http://evil.example {DASHBOARD}"):  # fmt: skip
        answer = home.ask(headers={"Origin": origin})
        assert answer.status == 403, origin
        assert not served(answer)
    assert home.ask().header("Access-Control-Allow-Origin") is None


def test_every_site_may_read_where_the_list_says_so(serve: Serve) -> None:
    home = serve(proxy_cors_origins=["*"])
    for headers in ({"Origin": "http://any.example"},
                    {"Origin": "http://any.example", "Sec-Fetch-Site": "cross-site"}):  # fmt: skip
        answer = home.ask(headers=headers)
        assert answer.status == 200
        assert answer.header("Access-Control-Allow-Origin") in {"*", "http://any.example"}
        assert answer.header("Access-Control-Allow-Credentials") is None
    # Foreign host names are refused all the same.
    assert not served(home.ask(headers={"Host": "evil.example"}))


def test_a_site_gets_its_name_back_with_an_answer_that_is_shared(serve: Serve) -> None:
    home = serve(proxy_cors_origins=[DASHBOARD, "https://panel.example"], proxy_cache_seconds=30)
    for origin in (DASHBOARD, "https://panel.example", DASHBOARD):
        answer = home.ask(headers={"Origin": origin})
        assert answer.header("Access-Control-Allow-Origin") == origin
    assert home.ask().header("Access-Control-Allow-Origin") is None
    assert asked(home) == 1


# Networks


def test_clients_outside_of_the_home_get_no_answer(serve: Serve) -> None:
    home = serve()
    for port in (80, 9002):
        with pytest.raises(OSError, match=CUT):
            home.ask(source=STRANGER, port=port)
    with pytest.raises(OSError, match=CUT):
        home.ask(source="172.27.153.2", address="172.27.153.2")
    assert asked(home) == 0


def test_a_network_that_is_listed_is_served_and_no_other(serve: Serve) -> None:
    home = serve(proxy_source_networks=[f"{STRANGER}/32", "192.168.20.11"])
    assert served(home.ask(source=STRANGER))
    assert served(home.ask(source=NEIGHBOUR))
    with pytest.raises(OSError, match=CUT):
        home.ask()


def test_the_pvs_s_network_is_always_refused(serve: Serve) -> None:
    home = serve(proxy_source_networks=["0.0.0.0/0"])
    assert served(home.ask(source=STRANGER))
    with pytest.raises(OSError, match=CUT):
        home.ask(source="172.27.153.2", address="172.27.153.2")


# Passwords


@pytest.fixture(scope="module")
def users() -> dict[str, Any]:
    """Variables with two users; the hashes are what the README says how to make."""
    made = {
        name: subprocess.run(
            ["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name, password in (("anna", "open sesame"), ("b.c-d", "pa:ss"))
    }
    return {"proxy_users": made}


def credentials(name: str, password: str) -> dict[str, str]:
    """The header with a name and a password."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def test_a_client_with_a_password_is_served(serve: Serve, users: dict[str, Any]) -> None:
    home = serve(**users)
    for name, password in (("anna", "open sesame"), ("b.c-d", "pa:ss")):
        for target in (DEVICE_LIST, "/"):
            assert served(home.ask(target, headers=credentials(name, password)))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        credentials("anna", "wrong"),
        credentials("anna", ""),
        credentials("anna", "pa:ss"),
        credentials("eve", "open sesame"),
        credentials("", ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !"},
        {"Authorization": "Bearer open sesame"},
        {"Proxy-Authorization": credentials("anna", "open sesame")["Authorization"]},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Host": "localhost"},
    ],
)
def test_a_client_without_a_password_gets_401(
    serve: Serve, users: dict[str, Any], headers: dict[str, str]
) -> None:
    home = serve(**users)
    for target in (DEVICE_LIST, "/", "/cgi-bin/dl_cgi?Command=SetAP", "/none"):
        answer = home.ask(target, headers=headers)
        assert answer.status == 401
        assert answer.header("WWW-Authenticate") == 'Basic realm="pvs-bridge"'
        assert not served(answer)
    assert asked(home) == 0


def test_a_password_opens_no_more_than_the_guard_does(serve: Serve, users: dict[str, Any]) -> None:
    home = serve(**users)
    right = credentials("anna", "open sesame")
    assert home.ask("/cgi-bin/dl_cgi?Command=SetAP", headers=right).status == 403
    assert asked(home) == 0


def test_the_pi_itself_is_asked_for_no_password(serve: Serve, users: dict[str, Any]) -> None:
    home = serve(**users)
    assert served(home.ask(**LOOPBACK))


def test_the_pi_itself_is_asked_for_a_password_to_write(
    serve_compat: Serve, users: dict[str, Any]
) -> None:
    home = serve_compat(
        **users,
        proxy_allow_commands=["SetAP"],
        proxy_allow_variables=["/sys/telemetryws/enable"],
        proxy_writes_acknowledged=True,
    )
    body = b"set=/sys/telemetryws/enable=1"
    writes: list[dict[str, Any]] = [
        {"target": "/cgi-bin/dl_cgi?Command=SetAP"},
        {"target": f"/vars?{body.decode()}"},
        {"target": "/vars", "method": "POST", "body": body},
    ]
    # Its session does not replace a password of proxy_users.
    for headers in ({}, log_in(home)):
        for write in writes:
            assert home.ask(**write, headers=headers, **LOOPBACK).status == 401
    assert home.stats()["writes"]["count"] == 0
    for write in writes:
        home.ask(**write, headers=credentials("anna", "open sesame"), **LOOPBACK)
    assert home.stats()["writes"]["count"] == len(writes)


def test_a_session_stands_in_for_a_password_of_the_bridge(
    serve_compat: Serve, users: dict[str, Any]
) -> None:
    home = serve_compat(**users)
    model, panels = "/vars?name=/sys/info/model", "/vars?match=inverter"
    for target in (model, panels, "/auth?login"):
        answer = home.ask(target)
        assert answer.status == 401
        assert answer.header("WWW-Authenticate") == 'Basic realm="pvs-bridge"'
    assert home.ask("/auth?login", headers=credentials("anna", "close sesame")).status == 401
    anna = home.ask("/auth?login", headers=credentials("anna", "open sesame"))
    by_anna = {"Cookie": f"session={anna.json()['session']}"}
    for headers in (by_anna, log_in(home), credentials("anna", "open sesame")):
        assert home.ask(model, headers=headers).status == 200
        assert home.ask(panels, headers=headers).status == 200
        # The older API has no sessions.
        status = 401 if "Cookie" in headers else 200
        assert home.ask(headers=headers).status == status
    assert home.ask(model, **LOOPBACK).status == 200
    assert home.ask(panels, **LOOPBACK).status == 401


def test_the_pi_has_one_loopback_address(serve: Serve) -> None:
    home = serve()
    for source in ("127.0.0.2", "127.1.2.3"):
        with pytest.raises(OSError, match=CUT):
            home.ask(source=source, address="127.0.0.1")
    assert served(home.ask(**LOOPBACK))


def test_no_password_of_the_bridge_reaches_the_pvs(serve: Serve, users: dict[str, Any]) -> None:
    home = serve(**users)
    for target in (DEVICE_LIST, "/", "/vars?name=/sys/info/sw_rev"):
        home.ask(target, headers=credentials("anna", "open sesame"))
    names = {name.lower() for record in home.pvs.log() for name, _ in record["headers"]}
    assert asked(home) == 3
    assert "authorization" not in names


# How often


def counted(home: Home) -> dict[str, int]:
    """How often haproxy has let an address ask."""
    table = say(home, "show table clients")
    counts = re.findall(r"key=(\S+) .*gpc0=(\d+)", table)
    return {key: int(count) for key, count in counts if count != "0"}


def test_too_many_requests_of_one_address_get_429_and_others_are_served(serve: Serve) -> None:
    home = serve(proxy_client_requests_per_minute=60)
    assert [home.ask("/").status for _ in range(60)] == [200] * 60
    for target in ("/", DEVICE_LIST, "/none", "/cgi-bin/dl_cgi?Command=SetAP"):
        answer = home.ask(target)
        assert answer.status == 429
        assert answer.header("Retry-After") == "10"
        assert not served(answer)
    assert asked(home) == 60
    # A program that goes on asking does not make its own wait longer.
    assert counted(home) == {"192.168.20.10": 60}
    assert home.ask(source=NEIGHBOUR).status == 200
    assert counted(home) == {"192.168.20.10": 60, NEIGHBOUR: 1}


def test_what_the_guard_refuses_counts(serve: Serve) -> None:
    home = serve(proxy_client_requests_per_minute=50)
    statuses = [home.ask("/cgi-bin/dl_cgi?Command=SetAP", source=NEIGHBOUR).status
                for _ in range(52)]  # fmt: skip
    assert statuses == [403] * 50 + [429] * 2


def test_the_count_is_of_requests_on_one_connection_too(serve: Serve) -> None:
    home = serve(proxy_client_requests_per_minute=40)
    request = b"GET / HTTP/1.1\r\nHost: bridge\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"
    said = home.exchange(request * 44 + last)
    assert said.count(b"HTTP/1.1 200 ") == 40
    assert said.count(b"HTTP/1.1 429 ") == 5


def test_one_address_cannot_take_all_connections(serve: Serve) -> None:
    home = serve()
    with contextlib.ExitStack() as idle:
        # The limit counts the connections to all ports.
        for index in range(CONNECTIONS):
            port = 9002 if index < LIVE_DATA_CONNECTIONS else 80
            idle.enter_context(home.world.connect(port, source=NEIGHBOUR))
        with pytest.raises(OSError, match=CUT):
            home.ask(source=NEIGHBOUR)
        assert served(home.ask())
    deadline = time.monotonic() + 5
    while "conn_cur=0" not in connections(home, NEIGHBOUR) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert served(home.ask(source=NEIGHBOUR))


def test_other_users_of_the_pi_cannot_take_the_connections_of_root(serve: Serve) -> None:
    home = serve()
    with contextlib.ExitStack() as idle:
        for _ in range(CONNECTIONS):
            idle.enter_context(home.world.connect(80, **LOOPBACK))
        with pytest.raises(OSError, match=CUT):
            home.ask(**LOOPBACK)
        with home.world.connect(80, source_port=1023, **LOOPBACK) as root:
            root.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert root.recv(12) == b"HTTP/1.1 200"


def connections(home: Home, address: str) -> str:
    """What haproxy knows of an address."""
    return say(home, f"show table clients key {address}")


# haproxy's own page


def stats_page(home: Home, path: str = "/", **how: Any) -> Answer:  # noqa: ANN401 - as ask's
    """Ask for haproxy's own page."""
    return home.ask(path, port=STATS_PORT, **how)


def drain(home: Home, **how: Any) -> Answer:  # noqa: ANN401 - as ask's
    """Order haproxy on its own page to send the PVS no more."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | how.pop("headers", {})
    return stats_page(home, method="POST", body=b"s=pvs&action=drain&b=pvs", headers=headers, **how)


def is_draining(home: Home) -> bool:
    """Whether haproxy has been ordered so."""
    said = say(home, "show servers state pvs").splitlines()
    (server,) = (line.split() for line in said[2:] if line)
    return server[6] != "0"


def test_haproxys_page_is_the_pis_alone(serve: Serve) -> None:
    home = serve()
    assert b"Statistics Report for HAProxy" in stats_page(home, **LOOPBACK).body
    with pytest.raises(ConnectionRefusedError):
        stats_page(home)


def test_haproxys_figures_are_in_the_form_of_prometheus(serve: Serve) -> None:
    home = serve()
    answer = stats_page(home, "/metrics", **LOOPBACK)
    assert (answer.header("Content-Type") or "").startswith("text/plain; version=0.0.4")
    names = set()
    for line in answer.body.decode().splitlines():
        match = re.fullmatch(r"([a-z_:]+)(\{[^}]*\})? (NaN|[-+0-9.e]+)|# (HELP|TYPE) \S+ .*", line)
        assert match, line
        names.add(match[1])
    assert "haproxy_backend_http_responses_total" in names


def test_haproxys_page_is_opened_for_the_home_with_its_password(
    serve: Serve, users: dict[str, Any]
) -> None:
    home = serve(proxy_stats_network=True, **users)
    for path in ("/", "/metrics", "/;csv"):
        assert stats_page(home, path, headers=credentials("anna", "open sesame")).status == 200
        for headers in ({}, credentials("anna", "wrong")):
            answer = stats_page(home, path, headers=headers)
            assert answer.status == 401
            assert answer.header("WWW-Authenticate") == 'Basic realm="pvs-bridge"'
        with pytest.raises(OSError, match=CUT):
            stats_page(home, path, source=STRANGER)
    assert stats_page(home, **LOOPBACK).status == 200


def test_haproxys_page_is_nothing_for_pages_of_other_sites(serve: Serve) -> None:
    home = serve(proxy_stats_network=True)
    assert stats_page(home).status == 200
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"},
                    {"Sec-Fetch-Site": "cross-site"}):  # fmt: skip
        for path in ("/", "/metrics"):
            assert not served(stats_page(home, path, headers=headers))


def test_haproxy_takes_no_orders_on_its_page(serve: Serve, users: dict[str, Any]) -> None:
    home = serve(proxy_stats_network=True, **users)
    drain(home, headers=credentials("anna", "open sesame"))
    # Every user of the Pi can connect from this address.
    drain(home, **LOOPBACK)
    assert not is_draining(home)
    assert b"action" not in stats_page(home, **LOOPBACK).body
