"""The local probe: real sockets, real files, and real output of ip."""

from __future__ import annotations

import http.client
import os
import pwd
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.checks import DEVICE_LIST, IDENTITY, check
from pvs_bridge.host import network
from pvs_bridge.host.network import LocalProbe
from pvs_bridge.host.probe import HomeAccess, ProbeError, Reply, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

Build = Callable[..., Any]
Body = Callable[..., bytes]
Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk, seen: list[bytes] | None = None) -> Iterator[int]:
    """Serve on a free port; `talk` gets each connection after its request."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(65536)
                if request:
                    if seen is not None:
                        seen.append(request)
                    talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def send(*pieces: bytes, pause: float = 0.0) -> Talk:
    def talk(connection: socket.socket) -> None:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                return
            time.sleep(pause)

    return talk


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def test_an_answer_is_read_up_to_its_content_length(body: Body) -> None:
    seen: list[bytes] = []
    content = body()
    answer = head(f"Content-Length: {len(content)}", "Server: lighttpd/1.4.51") + content
    with server(send(answer, pause=0.1), seen) as port:
        reply = LocalProbe().get(port, DEVICE_LIST, 5)
    assert (reply.status, reply.body, reply.whole) == (200, content, True)
    assert reply.from_pvs
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /cgi-bin/dl_cgi?Command=DeviceList HTTP/1.1"
    assert "Accept-Encoding: identity" in lines


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_an_answer_without_content_length_is_read(body: Body, framing: str) -> None:
    content = body()
    answer = head("Connection: close") + content
    if framing == "chunked":
        half = len(content) // 2
        answer = head("Transfer-Encoding: chunked")
        for piece in (content[:half], content[half:], b""):
            answer += b"%x\r\n%b\r\n" % (len(piece), piece)
    with server(send(answer)) as port:
        reply = LocalProbe().get(port, DEVICE_LIST, 5)
    assert (reply.body, reply.whole) == (content, True)


@pytest.mark.parametrize(
    "answer",
    [
        head("Content-Length: 5000") + b'{"devices": [',
        head("Transfer-Encoding: chunked") + b'1388\r\n{"devices": [',
        head("Transfer-Encoding: chunked") + b"nonsense\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_not_whole(answer: bytes) -> None:
    with server(send(answer)) as port:
        assert not LocalProbe().get(port, DEVICE_LIST, 5).whole


def test_an_endless_answer_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "MAX_BODY", 100_000)
    with server(send(head("Connection: close"), *[b"x" * 60_000] * 50)) as port:
        reply = LocalProbe().get(port, DEVICE_LIST, 5)
    assert not reply.whole
    assert len(reply.body) < 300_000


def test_a_slow_answer_ends_at_the_deadline() -> None:
    drip = send(head("Content-Length: 5000"), *[b" "] * 20, pause=0.1)
    with server(drip) as port, pytest.raises(TimeoutError):
        LocalProbe().get(port, DEVICE_LIST, 0.5)


def test_silence_ends_at_the_deadline() -> None:
    with server(lambda _: time.sleep(0.6)) as port, pytest.raises(TimeoutError):
        LocalProbe().get(port, DEVICE_LIST, 0.3)


def test_a_connection_closed_without_answer_is_a_connection_error() -> None:
    with server(send()) as port, pytest.raises(ConnectionError):
        LocalProbe().get(port, DEVICE_LIST, 5)


def test_an_answer_that_is_not_http_is_an_error() -> None:
    talk = send(b"SSH-2.0-OpenSSH_9.2\r\n")
    with server(talk) as port, pytest.raises(http.client.HTTPException):
        LocalProbe().get(port, DEVICE_LIST, 5)


def test_an_http_1_0_answer_is_from_the_pvs() -> None:
    answer = b"HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\n<html></html>"
    with server(send(answer)) as port:
        assert LocalProbe().get(port, DEVICE_LIST, 5).from_pvs


def test_the_check_works_over_real_sockets(make_probe: Build, body: Body) -> None:
    content = body()
    probe = make_probe()
    with server(send(head(f"Content-Length: {len(content)}") + content)) as port:
        answer_of_proxy = probe.get

        def get(port: int, path: str, seconds: float) -> Reply:
            over_socket = path != IDENTITY
            ask = LocalProbe().get if over_socket else answer_of_proxy
            found: Reply = ask(port, path, seconds)
            return found

        probe.get = get
        probe.connect = lambda _address, _port, seconds: LocalProbe().connect(
            "127.0.0.1", port, seconds
        )
        report = check(HealthConfig("eth0", "172.27.153.1", port, "wlan0", 5), probe)
    assert report.healthy
    assert report.plant is not None
    assert len(report.plant.panels) == 3


def test_root_asks_the_proxy_from_a_port_that_only_root_can_use() -> None:
    peers = []

    def talk(connection: socket.socket) -> None:
        peers.append(connection.getpeername()[1])
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with server(talk) as port:
        for _ in range(9):
            LocalProbe().get(port, "/", 5)
    assert [peer in network.ROOT_PORTS for peer in peers] == [os.geteuid() == 0] * 9


def test_connecting_leaves_the_group_as_it_was() -> None:
    before = os.getegid()
    with pytest.raises(ConnectionRefusedError):
        LocalProbe().connect("127.0.0.1", 1, 5)
    assert os.getegid() == before


# What ss -Hltne of iproute2 6.15 prints; for root it prints no uid.
SOCKETS = """\
LISTEN 0 384 0.0.0.0:80 0.0.0.0:* uid:106 ino:1523 sk:1 cgroup:/system.slice/haproxy.service <->
LISTEN 0 16 127.0.0.1:8080 0.0.0.0:* uid:1060 ino:1524 sk:2 cgroup:/system.slice/web.service <->
LISTEN 0 16 [::1]:8080 [::]:* uid:106 ino:1525 sk:3 cgroup:/system.slice/haproxy.service v6only:1
LISTEN 0 5 *:8000 *:* ino:1526 sk:4 cgroup:/system.slice/root.service v6only:0 <->
"""
RULES = """\
table inet pvs_bridge_firewall {
	chain from_home {
		udp sport 67 udp dport 68 accept
		tcp dport 22 jump ssh
		tcp dport { 80, 9002 } jump counted
		udp dport 81 jump counted
		ip saddr { 192.168.1.0/24 } tcp dport 82 jump counted
	}
}
"""


@pytest.mark.parametrize(
    ("port", "access"),
    [(80, HomeAccess.OPEN), (8080, HomeAccess.LOCAL), (81, HomeAccess.CLOSED),
     (82, HomeAccess.CLOSED), (9002, HomeAccess.OPEN), (22, HomeAccess.OPEN)],
)  # fmt: skip
def test_a_port_is_open_to_the_home_by_its_socket_and_the_firewall(
    port: int, access: HomeAccess
) -> None:
    assert network.home_access(SOCKETS, RULES, "", port) is access


@pytest.mark.parametrize(("port", "foreign"), [(80, False), (8080, True), (8000, True), (8, False)])
def test_the_port_of_another_user_is_foreign(port: int, *, foreign: bool) -> None:
    assert network.is_foreign(SOCKETS, port, 106) is foreign


@pytest.mark.needs_system
def test_the_users_of_this_machine_s_sockets_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PROXY_USER", "nobody")
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        assert LocalProbe().is_foreign(listener.getsockname()[1])
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        listener = socket.create_server(("127.0.0.1", 0))
    finally:
        os.seteuid(0)
    with closing(listener):
        assert not LocalProbe().is_foreign(listener.getsockname()[1])


def test_a_pi_without_the_firewall_is_open_and_an_unreadable_one_unknown() -> None:
    missing = "Error: No such file or directory; did you mean table 'x' in family ip?"
    assert network.home_access(SOCKETS, "", missing, 81) is HomeAccess.OPEN
    with pytest.raises(ProbeError, match="only root"):
        network.home_access(SOCKETS, "", "Operation not permitted (you must be root)", 80)


def test_a_port_without_a_listener_refuses() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        LocalProbe().connect("127.0.0.1", port, 5)
    with pytest.raises(ConnectionRefusedError):
        LocalProbe().get(port, DEVICE_LIST, 5)


def test_the_carrier_file_of_an_interface_is_read(tmp_path: Path) -> None:
    for name, carrier in (("eth0", "1\n"), ("eth1", "0\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "carrier").write_text(carrier)
    (tmp_path / "eth2" / "carrier").mkdir(
        parents=True
    )  # unreadable, as for an interface that is down
    signals = [LocalProbe(tmp_path).signal(f"eth{number}") for number in range(4)]
    assert signals == [Signal.UP, Signal.NONE, Signal.OFF, Signal.MISSING]


@pytest.fixture
def ip_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replace ip by a script."""

    def say(script: str) -> None:
        program = tmp_path / "ip"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return say


def test_empty_objects_of_old_versions_of_ip_are_skipped(
    ip_says: Callable[[str], None],
) -> None:
    ip_says(
        """echo '[{},{"ifname":"eth0","addr_info":[{"family":"inet","local":"172.27.153.9",'\\
'"prefixlen":24},{"family":"inet6","local":"fe80::1","prefixlen":64}]}]'"""
    )
    assert [str(address) for address in LocalProbe().addresses("eth0")] == ["172.27.153.9/24"]


@pytest.mark.parametrize("nothing", ["true", "echo '[ ]'", "echo '[{}]'"])
def test_an_empty_output_of_ip_means_no_routes(
    ip_says: Callable[[str], None], nothing: str
) -> None:
    ip_says(nothing)
    assert LocalProbe().default_routes() == []


def test_default_routes_of_both_families_and_all_hops_are_read(
    ip_says: Callable[[str], None],
) -> None:
    ip_says(
        """[ "$2" = -6 ] && echo '[{"dst":"default","nexthops":[{"dev":"eth0"}]}]' ||
echo '[{"dst":"default","gateway":"192.168.44.1","dev":"wlan0"}]'"""
    )
    assert LocalProbe().default_routes() == ["wlan0", "eth0"]


@pytest.mark.parametrize(
    "script", ["exit 1", "echo nonsense", "echo 3", 'echo \'[{"addr_info":[{"family":"inet"}]}]\'']
)
def test_a_failing_ip_is_an_error(ip_says: Callable[[str], None], script: str) -> None:
    ip_says(script)
    with pytest.raises(ProbeError):
        LocalProbe().addresses("eth0")
