"""Which requests pass the bridge, judged by the record of the simulated PVS."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from bridges.proxy.home import DEVICE_LIST, Home, is_refusal
from bridges.proxy.owner import log_in, new_api
from bridges.proxy.spellings import BUFFER

from proxy_rig.rendering import variables
from pvs_sim.client import Answer
from pvs_sim.commands import COMMANDS, REST

Serve = Callable[..., Home]

CGI = "/cgi-bin/dl_cgi"
_ROLE = variables({})
READING: list[dict[str, Any]] = _ROLE["__proxy_reading_commands"]
WRITING: list[str] = _ROLE["__proxy_writing_commands"]
PATHS: list[str] = _ROLE["__proxy_reading_paths"]
PARAMETERS = {"Get_Comm": "SerialNumber=ZT180", "DeviceDetails": "SerialNumber=E00121",
              "CheckFW": "type=residential"}  # fmt: skip
TELEMETRY = "/sys/telemetryws/enable"


def command(name: str, *parameters: str) -> str:
    """The target of a command."""
    return f"{CGI}?{'&'.join([f'Command={name}', *parameters])}"


def lines(home: Home) -> list[str]:
    """What the PVS was asked since the bridge was served."""
    return [record["line"] for record in home.pvs.log()]


def hint(answer: Answer) -> str:
    """Return the hint of a refusal; fail if the answer is not a refusal."""
    assert answer.status == 403
    assert is_refusal(answer)
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("Via") is None
    return str(answer.json()["hint"])


# The table


def test_the_table_knows_every_command_of_the_simulator_in_the_right_class() -> None:
    reading = {each["name"] for each in READING}
    assert {name for name, each in COMMANDS.items() if not each.writes} == reading
    assert {name for name, each in COMMANDS.items() if each.writes} == set(WRITING)


def test_the_table_knows_every_path_of_the_simulator() -> None:
    assert {f"/{path}" for path in PATHS} == set(REST)


def test_every_parameter_of_the_table_is_tried_below() -> None:
    assert {each["name"] for each in READING if "parameters" in each} == set(PARAMETERS)


# What reads


@pytest.mark.parametrize("name", [each["name"] for each in READING])
def test_a_command_that_reads_passes(serve: Serve, name: str) -> None:
    home = serve()
    answer = home.ask(command(name))
    assert answer.status == 200
    assert answer.header("Via") == "1.1 pvs-bridge"
    assert isinstance(answer.json(), dict)
    assert lines(home) == [f"GET {command(name)} HTTP/1.1"]
    (record,) = home.pvs.log()
    assert "content-length" not in {name.lower() for name, _ in record["headers"]}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_command_passes_with_the_parameter_that_it_takes(serve: Serve, name: str) -> None:
    home = serve()
    target = command(name, PARAMETERS[name])
    assert home.ask(target).status == 200
    assert lines(home) == [f"GET {target} HTTP/1.1"]


@pytest.mark.parametrize(
    "target",
    [
        command("DeviceList", "SerialNumber=ZT180"),
        command("Get_Comm", "SerialNumber="),
        command("Get_Comm", f"SerialNumber={'1' * 33}"),
        command("Get_Comm", "SerialNumber=ZT180", "SerialNumber=ZT180"),
        command("CheckFW", "type=industrial"),
        command("CheckFW", "url=http://evil.example/"),
        command("Unheard"),
        command("DeviceList") + "&",
        f"{CGI}?DeviceList",
        f"{CGI}/devices",
        f"{CGI}/devices/list?x=1",
        f"{CGI}/devices/list/",
        "/cgi-bin/other",
        "/cgi-bin/",
        "/.htaccess",
        "/static/.git/config",
        "/console.cgi",
        "/index.php",
        "/static/app.js?v=1&w=2",
        "/auth",
        "/auth?check",
        "/auth?login&x",
        "/auth/",
        "/vars",
        "/vars/",
    ],
)
def test_what_is_not_in_the_list_does_not_pass(serve: Serve, target: str) -> None:
    home = serve()
    hint(home.ask(target))
    assert lines(home) == []


@pytest.mark.parametrize("target", [CGI, f"{CGI}?"])
def test_the_program_without_a_command_passes(serve: Serve, target: str) -> None:
    home = serve()
    assert home.ask(target).json() == {"result": "no command"}
    assert lines(home) == [f"GET {CGI} HTTP/1.1"]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_reads_passes(serve: Serve, path: str) -> None:
    home = serve()
    answer = home.ask(f"{CGI}/{path}")
    assert answer.status == 200
    assert lines(home) == [f"GET {CGI}/{path} HTTP/1.1"]


@pytest.mark.parametrize("target", ["/cgi-bin/swagger.json"])
def test_the_description_of_the_api_passes(serve: Serve, target: str) -> None:
    home = serve()
    assert not is_refusal(home.ask(target))
    assert lines(home) == [f"GET {target} HTTP/1.1"]
    hint(home.ask(f"{target}?x=1"))


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/static/app.css", "/static/app.js", "/static/app.js?v=1.2-3"]
)
def test_the_consoles_files_pass(serve: Serve, path: str) -> None:
    home = serve()
    answer = home.ask(path)
    assert answer.status == 200
    assert answer.header("Last-Modified") is not None
    assert lines(home) == [f"GET {path} HTTP/1.1"]


def test_a_file_that_the_console_lacks_is_the_pvss_to_miss(serve: Serve) -> None:
    home = serve()
    answer = home.ask("/static/none.js")
    assert answer.status == 404
    assert not is_refusal(answer)


@pytest.mark.parametrize("target", [DEVICE_LIST, command("Start"), f"{CGI}/devices/list"])
def test_head_of_a_command_runs_it_and_brings_no_body(serve: Serve, target: str) -> None:
    home = serve()
    answer = home.ask(target, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("Content-Type") == "application/json"
    assert int(answer.header("Content-Length") or 0) > 0
    assert lines(home) == [f"GET {target} HTTP/1.1"]


def test_head_of_a_page_passes_as_it_is(serve: Serve) -> None:
    home = serve()
    answer = home.ask("/", method="HEAD")
    assert (answer.status, lines(home)) == (200, ["HEAD / HTTP/1.1"])
    assert answer.header("Content-Length") == str(len(home.ask("/").body))


def test_what_follows_an_answer_to_head_is_never_its_body(serve: Serve) -> None:
    home = serve()
    head = f"HEAD {DEVICE_LIST} HTTP/1.1\r\nHost: bridge\r\n\r\n"
    get = f"GET {CGI} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"
    first, _, rest = home.exchange((head + get).encode()).partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert rest.partition(b"\r\n\r\n")[2] == b'{"result": "no command"}\n'


# The newer interface


def test_logging_in_and_out_is_answered_by_the_bridge(serve_compat: Serve) -> None:
    home = serve_compat()
    session = log_in(home)
    assert session["Cookie"].startswith("session=")
    assert home.ask("/auth?logout", headers=session).status == 200
    assert lines(home) == []


def test_a_wrong_password_is_refused_by_the_bridge(serve_compat: Serve) -> None:
    home = serve_compat()
    answer = home.ask("/auth?login", headers={"Authorization": "basic eDp5"})
    assert answer.status == 401
    assert is_refusal(answer)
    assert lines(home) == []


@pytest.mark.parametrize("target", ["/auth?login", "/vars?match=inverter"])
def test_without_the_compat_service_one_refusal_says_how_to_get_it(
    serve: Serve, target: str
) -> None:
    home = new_api(serve(compat_mode="off"))
    answer = home.ask(target)
    assert answer.status == 501
    assert is_refusal(answer)
    assert "compat_mode" in answer.json()["hint"]
    assert lines(home) == []
    assert home.ask("/vars?name=/sys/info/sw_rev").status == 200


@pytest.mark.parametrize(
    "query",
    [
        "match=inverter/0&fmt=obj",
        "fmt=obj&match=inverter%2F0",
        "name=/sys/devices/inverter/0/sn,/sys/livedata/pv_p",
        "name=/sys/devices/inverter/0/sn%2C/sys/livedata/pv_p&fmt=list",
        "match=livedata&cache=ldata",
        "match=sn&instance=0",
        "tags=inverter&clearcache=x",
    ],
)
def test_variables_are_read_with_a_session(serve_compat: Serve, query: str) -> None:
    home = serve_compat()
    session = log_in(home)
    by_get = home.ask(f"/vars?{query}", headers=session)
    by_post = home.ask("/vars", method="POST", body=query.encode(), headers=session)
    assert (by_get.status, by_post.status) == (200, 200)
    assert set(by_get.json()) == set(by_post.json())
    # Whatever a client sends, the PVS gets the bridge's own words.
    assert not [line for line in lines(home) if "cache" in line or "POST" in line or "%" in line]
    assert home.stats()["writes"]["count"] == 0


def test_a_question_can_be_asked_by_its_name(serve_compat: Serve) -> None:
    home = serve_compat()
    session = log_in(home)
    assert home.ask("/vars?match=livedata&cache=ldata", headers=session).status == 200
    assert home.ask("/vars?cache=ldata&fmt=obj", headers=session).status == 200


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (f"/vars?{urlencode({'set': f'{TELEMETRY}=1'})}", {}),
        (f"/vars?set={TELEMETRY}=1", {}),
        (f"/vars?match=telemetry&set={TELEMETRY}=1", {}),
        (f"/vars?set={TELEMETRY}=1&match=telemetry", {}),
    ],
)
def test_no_variable_is_set_by_a_query(
    serve_compat: Serve, target: str, headers: dict[str, str]
) -> None:
    home = serve_compat()
    session = log_in(home)
    for method in ("GET", "POST", "PUT"):
        refused = home.ask(target, method=method, headers=session | headers)
        assert "proxy_allow_variables" in hint(refused)
        assert "proxy_writes_acknowledged" in hint(refused)
    assert lines(home) == []


@pytest.mark.parametrize(
    "body",
    [f"set={TELEMETRY}=1", f"match=telemetry&set={TELEMETRY}=1", f"match=x;set={TELEMETRY}=1"],
)
@pytest.mark.parametrize("target", ["/vars", "/vars?match=telemetry"])
def test_no_variable_is_set_by_a_body(serve_compat: Serve, target: str, body: str) -> None:
    home = serve_compat()
    session = log_in(home)
    for method in ("GET", "POST", "PUT"):
        refused = home.ask(target, method=method, body=body.encode(), headers=session)
        assert "proxy_allow_variables" in hint(refused)
    assert lines(home) == []


def test_a_body_that_cannot_be_seen_whole_does_not_pass(serve_compat: Serve) -> None:
    home = serve_compat()
    session = log_in(home)
    tail = f"&set={TELEMETRY}=1".encode()
    for padding in range(BUFFER - 6400, BUFFER - 400, 500):
        pad = {f"X-Pad-{index}": "x" * 1000 for index in range(padding // 1000)}
        pad["X-Rest"] = "x" * (padding % 1000)
        for length in (1000, 3000, 7000, BUFFER + 4000):
            body = b"match=" + b"x" * (length - 6 - len(tail)) + tail
            try:
                home.ask("/vars", method="POST", body=body, headers=session | pad)
            except OSError:
                continue  # cut while it was being sent
    assert lines(home) == []


# What writes


@pytest.mark.parametrize("name", WRITING)
def test_a_command_that_writes_is_refused_and_says_how_to_open_it(serve: Serve, name: str) -> None:
    home = serve()
    for parameters in ((), ("Type=x", "SerialNumber=ZT180")):
        answer = home.ask(command(name, *parameters))
        assert "proxy_allow_commands" in hint(answer)
        assert "proxy_writes_acknowledged" in hint(answer)
        assert name in answer.json()["error"]
    assert lines(home) == []


def test_a_posted_device_list_is_refused(serve: Serve) -> None:
    home = serve()
    for method in ("POST", "PUT", "DELETE"):
        for body in (None, b"", b'{"devices": []}'):
            answer = home.ask(f"{CGI}/devices/list", method=method, body=body)
            assert "proxy_allow_commands" in hint(answer)
    assert lines(home) == []


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "M-SEARCH"]
)
def test_no_other_method_passes(serve: Serve, method: str) -> None:
    home = serve()
    for target in (DEVICE_LIST, CGI, f"{CGI}/devices/list", "/", "/static/app.js", "*"):
        request = f"{method} {target} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"
        said = home.exchange(request.encode())
        assert said.split(b" ")[1] in {b"400", b"403"}, target
    assert lines(home) == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_question_with_a_body_is_refused(serve: Serve, method: str, chunked: bool) -> None:
    home = serve()
    text = b"Command=SetAP&SSID=x"
    announced = b"Content-Length: %d" % len(text)
    if chunked:
        announced = b"Transfer-Encoding: chunked"
        text = b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)
    for target in (DEVICE_LIST, CGI, f"{CGI}/devices/list", "/", "/vars?match=x", "/auth?login"):
        request = f"{method} {target} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n".encode()
        said = home.exchange(b"%b%b\r\n\r\n%b" % (request, announced, text))
        assert said.startswith(b"HTTP/1.1 403 "), target
    assert lines(home) == []


def test_a_body_of_no_length_is_none(serve: Serve) -> None:
    home = serve()
    assert home.ask(headers={"Content-Length": "0"}).status == 200


@pytest.mark.parametrize("length", [2**32, 2**32 + 5, 2**63 - 1])
def test_a_length_that_is_too_large_to_count_is_a_body_all_the_same(
    serve: Serve, length: int
) -> None:
    home = serve()
    for method, target in (("GET", DEVICE_LIST), ("POST", "/vars")):
        head = f"{method} {target} HTTP/1.1\r\nHost: bridge\r\nContent-Length: {length}\r\n\r\n"
        # It may be cut, for there is more than haproxy has read.
        with home.world.connect(80) as connection, contextlib.suppress(OSError):
            connection.sendall(head.encode() + b"match=" + b"x" * (BUFFER + 4000))
            assert connection.recv(100)[:11] in {b"HTTP/1.1 40", b""}
    assert lines(home) == []


def test_a_refusal_does_not_close_the_connection(serve: Serve) -> None:
    home = serve()
    said = home.exchange(
        f"GET {command('SetAP')} HTTP/1.1\r\nHost: bridge\r\n\r\n"
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        f"GET {CGI} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n".encode()
    )
    assert re.findall(rb"HTTP/1\.1 (\d+) ", said) == [b"403", b"421", b"200"]
    assert lines(home) == [f"GET {CGI} HTTP/1.1"]


# What is opened


def test_an_opened_command_passes_with_its_parameters_and_no_other_does(serve: Serve) -> None:
    home = serve(proxy_allow_commands=["StartDiscovery"], proxy_writes_acknowledged=True)
    opened = command("StartDiscovery", "Type=SolarBridge%20MI", "Device=allplusmime", "X=")
    assert home.ask(command("StartDiscovery")).status == 200
    assert home.ask(opened).status == 200
    for name in WRITING:
        if name != "StartDiscovery":
            assert "proxy_allow_commands" in hint(home.ask(command(name)))
    assert [write["what"] for write in home.stats()["writes"]["list"]] == ["StartDiscovery"] * 2
    assert lines(home) == [f"GET {command('StartDiscovery')} HTTP/1.1", f"GET {opened} HTTP/1.1"]


@pytest.mark.parametrize(
    "target",
    [
        command("StartDiscovery", "Command=SetAP"),
        command("StartDiscovery", "command=SetAP"),
        command("StartDiscovery", "Type=x", "COMMAND=SetAP", "SSID=x"),
        command("StartDiscovery", "Type=x;Command=SetAP"),
        command("StartDiscovery", "Type=x?Command=SetAP"),
        command("StartDiscovery", "%43ommand=SetAP"),
        command("StartDiscovery", "Type=x%zzCommand=SetAP"),
        command("SetAP", "Command=StartDiscovery"),
        command("DeviceList", "Command=StartDiscovery"),
        command("startdiscovery"),
        command("StartDiscoveryX"),
        f"{CGI}?Type=x&Command=StartDiscovery",
        f"{CGI}/devices/list?Command=StartDiscovery",
    ],
)
def test_an_opened_command_opens_nothing_beside_it(serve: Serve, target: str) -> None:
    home = serve(proxy_allow_commands=["StartDiscovery"], proxy_writes_acknowledged=True)
    hint(home.ask(target))
    assert lines(home) == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_an_opened_command_passes_by_no_other_method_and_without_a_body(
    serve: Serve, method: str
) -> None:
    home = serve(proxy_allow_commands=["StartDiscovery"], proxy_writes_acknowledged=True)
    assert home.ask(command("StartDiscovery"), method=method).status == 403
    body = b"Command=SetAP"
    assert home.ask(command("StartDiscovery"), method="GET", body=body).status == 403
    assert lines(home) == []


def test_an_answer_to_an_opened_command_is_never_shared(serve: Serve) -> None:
    opened = {"proxy_allow_commands": ["SetCellPurchased"], "proxy_writes_acknowledged": True}
    home = serve(proxy_cache_seconds=30, **opened)
    for _ in range(2):
        answer = home.ask(command("SetCellPurchased"))
        assert answer.header("Cache-Control") == "no-store"
    assert home.stats()["writes"]["count"] == 2


def test_an_opened_variable_can_be_set_and_no_other(serve_compat: Serve) -> None:
    home = serve_compat(proxy_allow_variables=[TELEMETRY], proxy_writes_acknowledged=True)
    session = log_in(home)
    for value, query in (("1", f"set={TELEMETRY}=1"), ("0", f"set={TELEMETRY}=0&fmt=obj")):
        assert home.ask(f"/vars?{query}").status == 401
        assert home.ask(f"/vars?{query}", headers=session).status == 200
        assert home.pvs.call(lambda box: box.state.telemetry) == value
    # The vendor's own library sends it so.
    for value, query in (("1", f"set={TELEMETRY}=1"), ("0", f"set={TELEMETRY}=0&fmt=obj")):
        body = query.encode()
        assert home.ask("/vars", method="POST", body=body).status == 401
        assert home.ask("/vars", method="POST", body=body, headers=session).status == 200
        assert home.pvs.call(lambda box: box.state.telemetry) == value
    before = lines(home)
    for target in (
        "/vars?set=/network/report/send=1",
        f"/vars?set={TELEMETRY}",
        f"/vars?set={TELEMETRY}x=1",
        f"/vars?set={TELEMETRY}=1,/network/report/send=1",
        f"/vars?set={TELEMETRY}=1,%2Fnetwork%2Freport%2Fsend%3D1",
        f"/vars?set={TELEMETRY}=1%2C%2Fnetwork%2Freport%2Fsend%3D1",
        f"/vars?set={TELEMETRY}=1%26set=%2Fnetwork%2Freport%2Fsend%3D1",
        f"/vars?set={TELEMETRY}=1&set=/network/report/send=1",
        f"/vars?set={TELEMETRY}=1;set=/network/report/send=1",
        f"/vars?set=/network/report/send=1&set={TELEMETRY}=1",
        f"/vars?match=x&set={TELEMETRY}=1",
        f"/auth?set={TELEMETRY}=1",
    ):
        hint(home.ask(target, headers=session))
        path, _, query = target.partition("?")
        hint(home.ask(path, method="POST", body=query.encode(), headers=session))
    for method in ("POST", "PUT"):
        answer = home.ask(f"/vars?set={TELEMETRY}=1", method=method, headers=session)
        assert answer.status == 403
    body = f"set={TELEMETRY}=1".encode()
    hint(home.ask("/vars", method="PUT", body=body, headers=session))
    hint(home.ask("/vars?fmt=obj", method="POST", body=body, headers=session))
    assert lines(home) == before
    assert home.stats()["writes"]["count"] == 4


def test_a_refusal_is_valid_json_for_any_request(serve: Serve) -> None:
    home = serve()
    for target in ('/"{}\\\x7f%0d%0a', command('SetAP"}'), '/vars?"set=\\'):
        request = f"GET {target} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"
        head, body = home.exchange(request.encode()).split(b"\r\n\r\n", 1)
        if b"403" in head.split(b"\r\n")[0]:
            assert set(json.loads(body)) == {"result", "error", "hint"}
    assert lines(home) == []
