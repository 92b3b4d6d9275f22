"""Live data: one connection to the PVS for all programs, with its switch only if asked for."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.compat.conftest import Boot, Serve
from unit.compat.running import Compat, config_for

from pvs_bridge.compat import live_data, websocket
from pvs_lab.process import wait_until
from pvs_sim import Simulator
from pvs_sim.websocket import CLOSE, PING, PONG, TEXT, accept_key, frame

if TYPE_CHECKING:
    from typing import Self

OPEN, LOCKED = 61707, 61846
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = (
    "GET / HTTP/1.1\r\nHost: bridge\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
).encode()
TELEMETRY = "/sys/telemetryws/enable"
GOOD = b'{"notification": "power", "params": {"pv_p": 1.5}}'


class Program:
    """A program that listens to live data."""

    def __init__(self, compat: Compat) -> None:
        """Connect, and read the answer to the handshake."""
        self.raw = socket.socket(socket.AF_UNIX)
        self.raw.settimeout(10)
        self.raw.connect(compat.config.live_socket)
        self.raw.sendall(REQUEST)
        self.stream = self.raw.makefile("rb")
        self.status = int(self.stream.readline().split()[1])
        self.headers = {}
        while line := self.stream.readline().decode().strip():
            name, _, value = line.partition(": ")
            self.headers[name.lower()] = value

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave without a word."""
        self.stream.close()
        self.raw.close()

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send a frame."""
        self.raw.sendall(websocket.frame(opcode, payload, masked=True))

    def receive(self) -> tuple[int, bytes]:
        """Return the next frame.

        Raises:
            EOFError: There is none.
        """
        head = self.stream.read(2)
        if len(head) < 2:
            raise EOFError
        size = head[1]
        assert size < 127, "a server does not mask, and sends short messages"
        if size == 126:
            (size,) = struct.unpack("!H", self.stream.read(2))
        return head[0] & 0x0F, self.stream.read(size)

    def message(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Return the next message."""
        opcode, payload = self.receive()
        while opcode == PING:
            opcode, payload = self.receive()
        assert opcode == TEXT
        return json.loads(payload)

    def refusal(self) -> dict[str, str]:
        """Return what it is told in place of live data."""
        assert self.headers["content-type"] == "application/json"
        told: dict[str, str] = json.loads(self.stream.read(int(self.headers["content-length"])))
        assert set(told) == {"result", "error", "hint"}
        return told


Listen = Callable[..., Compat]


@pytest.fixture
def listen(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listen:
    """Start a service that passes on the live data of a PVS."""

    def start(pvs: Simulator | int, **chosen: Any) -> Compat:  # noqa: ANN401 - any key
        port = pvs if isinstance(pvs, int) else pvs.ports["websocket"]
        monkeypatch.setattr(live_data, "PORT", port)
        url = "http://127.0.0.1:9" if isinstance(pvs, int) else pvs
        return serve(url, live_socket=str(tmp_path / "live.sock"), **chosen)

    return start


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the times."""
    for name, seconds in {
        "LINGER_SECONDS": 0.3,
        "FIRST_SECONDS": 1.0,
        "SILENT_SECONDS": 1.0,
        "FIRST_PAUSE_SECONDS": 0.1,
        "LONGEST_PAUSE_SECONDS": 0.4,
        "_MESSAGE_SECONDS": 0.001,
    }.items():
        monkeypatch.setattr(live_data, name, seconds)
    monkeypatch.setattr("pvs_bridge.compat.service.POLL_SECONDS", 0.05)


def boot_live(boot: Boot, build: int = OPEN, **chosen: Any) -> Simulator:  # noqa: ANN401 - any
    """Start a PVS with live data."""
    return boot(
        **{"firmware": build, "websocket_port": 0, "websocket_interval_seconds": 0.05, **chosen}
    )


def connections(pvs: Simulator) -> dict[str, int]:
    """Return how many connections there are and were."""
    found: dict[str, int] = pvs.stats()["websocket"]
    return found


def telemetry(pvs: Simulator) -> str:
    """Return whether the PVS's live data are on."""
    return str(pvs.call(lambda box: box.state.telemetry))


pytestmark = pytest.mark.usefixtures("soon")


def test_all_programs_share_one_connection(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot)
    compat = listen(pvs)
    with contextlib.ExitStack() as stack:
        programs = [stack.enter_context(Program(compat)) for _ in range(5)]
        assert {each.status for each in programs} == {101}
        assert programs[0].headers["sec-websocket-accept"] == accept_key(KEY)
        for program in programs:
            for _ in range(2):
                message = program.message()
                assert message["notification"] == "power"
                assert "pv_p" in message["params"]
        assert connections(pvs) == {"clients": 1, "most": 1, "total": 1}


def test_without_programs_there_is_no_connection(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot)
    compat = listen(pvs)
    time.sleep(0.3)
    assert connections(pvs)["total"] == 0
    with Program(compat) as program:
        program.message()
    # A program that comes back finds it still open.
    with Program(compat) as program:
        program.message()
        program.send(CLOSE, struct.pack("!H", 1000))
        opcode = TEXT
        while opcode == TEXT:
            opcode, payload = program.receive()
        assert (opcode, payload) == (CLOSE, struct.pack("!H", 1000))
    assert connections(pvs)["total"] == 1
    assert wait_until(lambda: connections(pvs)["clients"] == 0, 5)
    with Program(compat) as program:
        program.message()
    assert connections(pvs) == {"clients": 1, "most": 1, "total": 2}


def test_it_connects_again_when_the_pvs_ends_the_connection(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot, websocket_life_seconds=0.3)
    compat = listen(pvs)
    with Program(compat) as program:
        for _ in range(20):
            program.message()
        found = connections(pvs)
    assert found["total"] >= 3
    assert found["most"] == 1


def test_a_program_hears_the_pvs_again_after_its_restart(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot, LOCKED, websocket_off="refused")
    compat = listen(pvs, live_data_enabled=True)
    with Program(compat) as program:
        program.message()
        pvs.call(lambda box: box.restart("test", seconds=1.0))
        assert telemetry(pvs) == "0"
        assert wait_until(lambda: telemetry(pvs) == "1", 10)
        assert wait_until(lambda: connections(pvs)["total"] == 2, 10)
        program.message()
        assert connections(pvs)["most"] == 1


# The switch


@pytest.mark.parametrize("off", ["silent", "refused"])
def test_live_data_are_on_only_while_a_program_listens(
    boot: Boot, listen: Listen, off: str
) -> None:
    pvs = boot_live(boot, LOCKED, websocket_off=off)
    compat = listen(pvs, live_data_enabled=True)
    for _ in range(2):
        with Program(compat) as program:
            assert program.status == 101
            program.message()
            assert telemetry(pvs) == "1"
        assert wait_until(lambda: telemetry(pvs) == "0", 5)
    writes = pvs.call(lambda box: [each.what for each in box.counters.writes])
    assert writes == [f"set={TELEMETRY}={value}" for value in (1, 0, 1, 0)]


@pytest.mark.parametrize("off", ["silent", "refused"])
def test_without_the_switch_a_program_is_told_of_it(boot: Boot, listen: Listen, off: str) -> None:
    pvs = boot_live(boot, LOCKED, websocket_off=off)
    compat = listen(pvs)
    with Program(compat) as program:
        assert program.status == 503
        assert "compat_live_data_enabled" in program.refusal()["hint"]
        assert program.headers["retry-after"] == "60"
        assert program.stream.read() == b""
    assert pvs.stats()["writes"]["count"] == 0
    # Another program of the home has switched them on.
    pvs.call(lambda box: setattr(box.state, "telemetry", "1"))
    time.sleep(0.5)
    with Program(compat) as program:
        program.message()
    assert pvs.stats()["writes"]["count"] == 0


def test_live_data_that_fall_silent_are_switched_on_again(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot, LOCKED)
    compat = listen(pvs, live_data_enabled=True)
    with Program(compat) as program:
        program.message()
        pvs.call(lambda box: setattr(box.state, "telemetry", "0"))
        assert wait_until(lambda: telemetry(pvs) == "1", 10)
        program.message()


@pytest.mark.parametrize("build", [OPEN, LOCKED])
def test_a_service_that_starts_switches_off_what_a_crash_left_on(
    boot: Boot, listen: Listen, build: int
) -> None:
    pvs = boot_live(boot, build)
    pvs.call(lambda box: setattr(box.state, "telemetry", "1"))
    listen(pvs, live_data_enabled=True)
    if build == LOCKED:
        assert wait_until(lambda: telemetry(pvs) == "0", 5)
    else:
        # Without variables there is nothing to switch.
        time.sleep(0.5)
        assert pvs.stats()["writes"]["count"] == pvs.stats()["logins"] == 0


def test_a_service_that_stops_switches_live_data_off(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvs = boot_live(boot, LOCKED)
    monkeypatch.setattr(live_data, "PORT", pvs.ports["websocket"])
    path = tmp_path / "live.sock"
    config = config_for(pvs.http_url, tmp_path, live_socket=str(path), live_data_enabled=True)
    with contextlib.ExitStack() as stack:
        with Compat(config) as compat:
            program = stack.enter_context(Program(compat))
            program.message()
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                program.receive()
    assert telemetry(pvs) == "0"
    assert not path.exists()


def test_a_pvs5_has_no_live_data(boot: Boot, listen: Listen) -> None:
    pvs = boot(model="PVS5", firmware=5412)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    # Nothing listens there now.
    pvs.ports["websocket"] = port
    compat = listen(pvs, live_data_enabled=True)
    for _ in range(3):
        with Program(compat) as program:
            assert program.status == 503
            assert "PVS5" in program.refusal()["hint"]


def test_a_refused_password_is_told(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot, LOCKED)
    compat = listen(pvs, live_data_enabled=True, password="wrong")  # noqa: S106 - of no PVS
    with Program(compat) as program:
        assert program.status == 503
        assert "password" in program.refusal()["error"]


# Programs


def test_nothing_that_a_program_sends_reaches_the_pvs(listen: Listen) -> None:
    heard = threading.Event()
    with pvs_that_sends(frame(TEXT, GOOD), heard=heard) as port, Program(listen(port)) as program:
        program.message()
        for opcode, payload in ((TEXT, b'{"set": 1}'), (2, b"\0"), (PING, b"hi"), (PONG, b"")):
            program.send(opcode, payload)
        while program.receive() != (PONG, b"hi"):
            pass
        time.sleep(0.2)
        assert not heard.is_set()


def masked(head: str, size: int) -> bytes:
    """Return a frame with a length of two bytes, whose first two bytes are given."""
    return bytes.fromhex(head) + size.to_bytes(2, "big") + bytes(4) + bytes(size)


BREACHES = {
    "endless": b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(100_000),
    "long": masked("81fe", 0x2000),
    "long in parts": masked("01fe", 0x800) + masked("00fe", 0x900),
    "many parts": b"\x01\x80" + bytes(4) + (b"\x00\x80" + bytes(4)) * 1000,
    "no beginning": b"\x80\x80" + bytes(4),
    "a ping in parts": b"\x09\x80" + bytes(4),
    "reserved bits": b"\xf1\x80" + bytes(4),
    "not a frame": b"GET / HTTP/1.1\r\n\r\n" * 100,
}


@pytest.mark.parametrize("kind", BREACHES)
def test_a_program_that_breaks_the_protocol_is_disconnected(
    boot: Boot, listen: Listen, kind: str
) -> None:
    pvs = boot_live(boot)
    compat = listen(pvs)
    with Program(compat) as good, Program(compat) as bad:
        bad.message()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            bad.raw.sendall(BREACHES[kind])
        with pytest.raises((EOFError, ConnectionResetError)):
            while True:
                bad.receive()
        good.message()
        assert connections(pvs)["total"] == 1


def test_a_program_that_does_not_read_is_disconnected(
    boot: Boot, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "WAITING_BYTES", 2048)
    pvs = boot_live(boot, websocket_interval_seconds=0.01)
    compat = listen(pvs)
    with Program(compat) as good, Program(compat) as slow:
        # The kernel tells so without a read. It keeps what fits into its own buffer.
        watch = select.poll()
        watch.register(slow.raw, select.POLLHUP)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not watch.poll(0):
            good.message()
        assert watch.poll(0)
        good.message()


def test_a_program_whose_network_is_gone_is_forgotten(
    boot: Boot, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_data, "PING_SECONDS", 0.3)
    pvs = boot_live(boot)
    compat = listen(pvs)
    with Program(compat) as gone, Program(compat) as there:
        end = time.monotonic() + 1.5
        pings = 0
        while time.monotonic() < end:
            opcode, payload = there.receive()
            if opcode == PING:
                pings += 1
                there.send(PONG, payload)
        assert pings >= 2
        with pytest.raises(EOFError):
            while True:
                gone.receive()
        there.message()


# A hostile PVS


@contextlib.contextmanager
def pvs_that_sends(
    text: bytes,
    *,
    head: bytes | None = None,
    again: bool = False,
    heard: threading.Event | None = None,
) -> Iterator[int]:
    """Run something that speaks on the port of live data, to each that connects.

    Args:
        text: What it sends after the handshake.
        head: Its answer to the handshake; None: the right one.
        again: Whether it sends the text again and again.
        heard: Set if it gets more than the handshake and a close.
    """
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def speak(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            key = ""
            while line := stream.readline().decode().strip():
                if line.lower().startswith("sec-websocket-key: "):
                    key = line.split(": ")[1]
            answer = (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
            )
            connection.sendall(answer.encode() if head is None else head)
            connection.sendall(text)
            while again and not ended.is_set():
                connection.sendall(text)
            first = stream.read(1)
            while first == b"\x88" and heard is not None:
                stream.read(5)
                first = stream.read(1)
            if first and heard is not None:
                heard.set()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=speak, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


BAD_MESSAGES = {
    "not JSON": frame(TEXT, b"pv_p=1"),
    "not UTF-8": frame(TEXT, b'{"a": "\xff"}'),
    "not a number": frame(TEXT, b'{"params": {"pv_p": NaN}}'),
    "infinite": frame(TEXT, b'{"params": {"pv_p": -Infinity}}'),
    "a list": frame(TEXT, b"[1]"),
    "many levels": frame(TEXT, b"[" * 16000),
    "cut off": frame(TEXT, GOOD[:-3]),
    "empty": frame(TEXT, b""),
    "binary": frame(2, GOOD),
    "a pong": frame(PONG, b"x"),
}


@pytest.mark.parametrize("kind", BAD_MESSAGES)
def test_a_bad_message_is_dropped(listen: Listen, kind: str) -> None:
    text = BAD_MESSAGES[kind] + frame(TEXT, GOOD)
    with pvs_that_sends(text) as port, Program(listen(port)) as program:
        assert program.message() == json.loads(GOOD)


def test_a_message_in_parts_is_put_together(listen: Listen) -> None:
    parts = b"\x01\x0a" + GOOD[:10] + frame(PING, b"p") + b"\x80" + bytes([len(GOOD) - 10])
    with pvs_that_sends(parts + GOOD[10:]) as port, Program(listen(port)) as program:
        assert program.message() == json.loads(GOOD)


HUGE = b"\x81\x7f" + (2**62).to_bytes(8, "big")
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n"
BAD_STREAMS: dict[str, tuple[bytes, bytes | None, bool]] = {
    "an endless frame": (HUGE, None, False),
    "endless data in one frame": (HUGE + bytes(65536), None, True),
    "a long frame": (b"\x81\x7f" + (10**6).to_bytes(8, "big") + bytes(10**6), None, False),
    "endless parts": (b"\x01\x01x" + b"\x00\x00" * 20000, None, False),
    "endless pings": (frame(PING, bytes(125)), None, True),
    "endless lists": (frame(TEXT, b"[]"), None, True),
    "reserved bits": (b"\xf1\x00", None, False),
    "nothing": (b"", None, False),
    "not a WebSocket": (b"", b"HTTP/1.1 200 OK\r\n\r\n", False),
    "an endless header": (b"x" * 65536, SWITCHED + b"X: ", True),
    "endless 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n", b"", True),
    "another key": (b"", SWITCHED + b"Sec-WebSocket-Accept: " + b"A" * 28 + b"\r\n\r\n", False),
    "no key": (b"", SWITCHED + b"\r\n", False),
    "a close": (frame(CLOSE), None, False),
}
"""What it sends after the handshake, its answer to that, and whether it goes on."""


@pytest.mark.parametrize("kind", BAD_STREAMS)
def test_a_hostile_pvs_gets_its_programs_a_clear_error(listen: Listen, kind: str) -> None:
    text, head, again = BAD_STREAMS[kind]
    with pvs_that_sends(text, head=head, again=again) as port, Program(listen(port)) as program:
        assert program.status == 503
        assert program.refusal()["error"] == "The PVS does not send live data."


def test_a_pvs_that_sends_without_end_is_read_slowly(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_data, "_MESSAGE_SECONDS", 0.05)
    with (
        pvs_that_sends(frame(TEXT, GOOD), again=True) as port,
        Program(listen(port)) as program,
    ):
        began = time.monotonic()
        for _ in range(10):
            assert program.message() == json.loads(GOOD)
        assert time.monotonic() - began > 0.4


def test_a_silent_pvs_is_not_asked_by_each_program(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot, LOCKED)
    compat = listen(pvs)

    def status(_: int) -> int:
        with Program(compat) as program:
            return program.status

    # They come at once, and get the answer of one attempt, which takes longer than the pause.
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(status, range(8))) == {503}
    assert connections(pvs)["total"] == 1


@contextlib.contextmanager
def page(compat: Compat) -> Iterator[socket.socket]:
    """Ask as the status page does; the answer is still to be read."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(compat.config.live_socket)
        connection.sendall(b"GET /bridge/live HTTP/1.1\r\nHost: bridge\r\n\r\n")
        yield connection


def check_events(connection: socket.socket, count: int) -> list[Any]:
    """Read the head of the answer; return the data of the first events."""
    with connection.makefile("rb") as stream:
        head = [line.decode().strip() for line in iter(stream.readline, b"\r\n")]
        assert head[0] == "HTTP/1.1 200 OK"
        assert "Content-Type: text/event-stream" in head
        found = []
        for _ in range(count):
            field, _, text = stream.readline().partition(b": ")
            assert (field, stream.readline()) == (b"data", b"\n")
            found.append(json.loads(text))
        return found


def test_a_page_and_a_program_share_one_connection(boot: Boot, listen: Listen) -> None:
    pvs = boot_live(boot)
    compat = listen(pvs)
    with page(compat) as connection, Program(compat) as program:
        assert all("pv_p" in each["params"] for each in check_events(connection, 3))
        program.message()
        assert connections(pvs) == {"clients": 1, "most": 1, "total": 1}
    assert wait_until(lambda: connections(pvs)["clients"] == 0, 5)


def test_a_message_of_several_lines_is_one_event(listen: Listen) -> None:
    text = GOOD.replace(b", ", b",\r\n\n ")
    with pvs_that_sends(frame(TEXT, text)) as port, page(listen(port)) as connection:
        assert check_events(connection, 1) == [json.loads(GOOD)]


def test_without_live_data_a_page_gets_a_clear_error(boot: Boot, listen: Listen) -> None:
    with page(listen(boot_live(boot, LOCKED))) as connection, connection.makefile("rb") as stream:
        head, _, text = stream.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(text)["error"] == "The PVS does not send live data."


def test_a_page_that_does_not_read_is_disconnected(
    boot: Boot, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pvs_bridge.compat.events.WAITING_BYTES", 2048)
    pvs = boot_live(boot, websocket_interval_seconds=0.01)
    with page(listen(pvs)) as slow:
        watch = select.poll()
        watch.register(slow, select.POLLHUP)
        assert watch.poll(30_000)
    assert wait_until(lambda: connections(pvs)["clients"] == 0, 5)
