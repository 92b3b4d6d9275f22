"""The remote probe runs scripts in the Pi's shell; in these tests, this machine is the Pi."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unit.doctor.conftest import MakeOutput

from bridgectl.doctor import remote_probe as module
from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.remote_probe import RemoteProbe, parse_reply
from bridgectl.doctor.session import ScriptResult
from pvs_bridge.host.probe import ProbeError, Signal


def here(script: str, seconds: float) -> ScriptResult:
    """Run a script in this machine's shell, not as root."""
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", "sh", "-s"],
        input=script.encode(), capture_output=True, check=False, timeout=seconds,
    )  # fmt: skip
    return ScriptResult(done.returncode, done.stdout)


@pytest.fixture
def pi() -> RemoteProbe:
    """Return a probe of this machine."""
    return RemoteProbe(ProbeOutput({}), here)


@pytest.fixture
def serve() -> Iterator[Callable[[bytes], int]]:
    """Return a function that serves one answer to any request, and returns its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answers(answer: bytes) -> int:
            def once() -> None:
                connection, _ = server.accept()
                with connection, connection.makefile("rb") as request:
                    while request.readline() != b"\r\n":
                        pass
                    connection.sendall(answer)

            threading.Thread(target=once, daemon=True).start()
            return int(server.getsockname()[1])

        yield answers


@pytest.mark.needs_system
def test_an_answer_is_read_as_it_came(pi: RemoteProbe, serve: Callable[[bytes], int]) -> None:
    body = bytes(range(256))
    head = b"HTTP/1.1 200 OK\r\nVia: 1.1 pvs-bridge\r\nContent-Length: 256\r\n\r\n"
    reply = pi.get(serve(head + body), "/cgi-bin/dl_cgi?Command=DeviceList", 5)
    assert (reply.status, reply.body, reply.whole, reply.from_pvs) == (200, body, True, True)
    assert list(pi.replies) == ["/cgi-bin/dl_cgi?Command=DeviceList"]


@pytest.mark.parametrize(
    ("received", "body", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"half", False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
            b"body",
            True,
        ),
        (b"HTTP/1.0 503 No\r\n\r\n<html>", b"<html>", True),
    ],
)
def test_an_answer_that_broke_off_is_not_whole(received: bytes, body: bytes, whole: bool) -> None:
    reply = parse_reply(received)
    assert (reply.body, reply.whole) == (body, whole)


def test_who_hangs_up_or_speaks_something_else_is_named() -> None:
    with pytest.raises(ConnectionResetError):
        parse_reply(b"")
    with pytest.raises(http.client.BadStatusLine):
        parse_reply(b"SSH-2.0-OpenSSH_9.2\r\n")


@pytest.mark.needs_system
def test_a_closed_port_refuses(pi: RemoteProbe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        pi.connect("127.0.0.1", port, 3)
    with pytest.raises(ConnectionRefusedError):
        pi.connect("127.0.0.1", port, 3)
    with pytest.raises(ConnectionRefusedError):
        pi.get(port, "/", 3)


@pytest.mark.needs_system
def test_who_says_nothing_takes_too_long(pi: RemoteProbe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        pi.get(server.getsockname()[1], "/", 1)


@pytest.mark.parametrize("address", ["$(touch /tmp/x)", "a.b", "::1"])
def test_nothing_but_an_address_gets_into_the_shell(pi: RemoteProbe, address: str) -> None:
    with pytest.raises(OSError, match="not an address"):
        pi.connect(address, 80, 1)
    with pytest.raises(OSError, match="not a path"):
        pi.get(80, f"/'{address}'; x", 1)


def test_a_recording_tells_interfaces_addresses_and_routes(make_output: MakeOutput) -> None:
    pi = RemoteProbe(make_output(links="eth0 0 no\nwlan0 1 yes\neth1 off no"), here)
    assert pi.signal("eth0") is Signal.NONE
    assert pi.signal("eth1") is Signal.OFF
    assert pi.signal("wlan0") is Signal.UP
    assert pi.signal("eth2") is Signal.MISSING
    assert [str(each) for each in pi.addresses("wlan0")] == ["192.168.1.34/24"]
    assert pi.default_routes() == ["wlan0"]


def test_routes_that_ip_cannot_tell_are_not_no_routes(make_output: MakeOutput) -> None:
    pi = RemoteProbe(make_output(routes_ipv6=None, addresses="Segmentation fault"), here)
    with pytest.raises(ProbeError):
        pi.default_routes()
    with pytest.raises(ProbeError):
        pi.addresses("wlan0")


def test_the_probe_runs_in_any_shell_and_says_what_it_was_asked() -> None:
    probe = Path(module.__file__).with_name("probe.sh").read_text()
    done = subprocess.run(
        ["dash", "-s", "--", "lo", "127.0.0.1", "lo"],
        input=probe, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    output = ProbeOutput.read(done.stdout)
    asked = {line.split()[1] for line in probe.splitlines() if line.startswith("ask ")}
    assert {name for name, _ in output} == asked
    assert output["user"].good == str(subprocess.check_output(["id", "-u"], text=True)).strip()
    assert output.number("uptime")
    assert output["python"].good == "works"
