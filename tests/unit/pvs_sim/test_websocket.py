"""The WebSocket: handshake, live data, ping, close, and when it is there at all."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pvs_sim.client import Control
from pvs_sim.websocket import accept_key, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]


@dataclass
class Client:
    """A WebSocket client that is past the handshake."""

    raw: socket.socket
    pending: bytes = b""

    def read(self, size: int) -> bytes:
        """Read so many bytes, or raise EOFError."""
        while len(self.pending) < size:
            received = self.raw.recv(65536)
            if not received:
                raise EOFError
            self.pending += received
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken

    def receive(self) -> tuple[int, bytes]:
        """Read one frame and return its opcode and payload."""
        first, size = self.read(2)
        assert first & 0x80, "every frame is final"
        assert not size & 0x80, "a server does not mask"
        if size == 126:
            (size,) = struct.unpack("!H", self.read(2))
        return first & 0x0F, self.read(size)

    def send(self, opcode: int, payload: bytes = b"", *, masked: bool = True) -> None:
        """Send one frame of at most 125 bytes."""
        mask = os.urandom(4) if masked else b""
        body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if masked else payload
        self.raw.sendall(bytes([0x80 | opcode, (0x80 * masked) | len(payload)]) + mask + body)

    def power(self) -> dict[str, Any]:
        """Read one live-data message and return its values."""
        opcode, payload = self.receive()
        assert opcode == 1
        message = json.loads(payload)
        assert list(message) == ["notification", "params"]
        assert message["notification"] == "power"
        params: dict[str, Any] = message["params"]
        return params


@contextlib.contextmanager
def connected(sim: Simulator) -> Iterator[Client]:
    key = base64.b64encode(b"sixteen bytes ok").decode()
    head = [
        "GET / HTTP/1.1",
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    with socket.create_connection(("127.0.0.1", sim.ports["websocket"] or 0), timeout=5) as raw:
        raw.sendall("\r\n".join([*head, "", ""]).encode())
        client = Client(raw)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += client.read(1)
        lines = answer.decode().split("\r\n")
        assert lines[0] == "HTTP/1.1 101 Switching Protocols"
        assert f"Sec-WebSocket-Accept: {accept_key(key)}" in lines
        yield client


def test_the_handshake_key_is_the_one_of_the_rfc() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frames_of_every_size_have_their_length(size: int) -> None:
    made = frame(1, b"x" * size)
    extra = 0 if size < 126 else 2 if size < 65536 else 8
    assert len(made) == 2 + extra + size
    assert made[1] == (size if size < 126 else 126 if size < 65536 else 127)
    if extra:
        assert int.from_bytes(made[2 : 2 + extra], "big") == size


def test_live_data_comes_at_once_and_again(boot: Boot) -> None:
    sim = boot(websocket_interval_seconds=0.1, clock_scale=60.0)
    with connected(sim) as client:
        first = client.power()
        begun = time.monotonic()
        second = client.power()
    assert time.monotonic() - begun > 0.05
    names = "time pv_p pv_en net_p net_en site_load_p site_load_en backupTimeRemaining midstate"
    assert " ".join(first) == names
    assert second["time"] > first["time"]
    assert second["pv_en"] > first["pv_en"]
    assert first["site_load_p"] == pytest.approx(first["pv_p"] + first["net_p"], abs=1e-5)


def test_live_data_is_that_of_the_plant_battery_included(boot: Boot) -> None:
    sim = boot(battery=True)
    truth = Control(sim.control_url).get("plant")["reading"]["live"]
    with connected(sim) as client:
        params = client.power()
    assert set(truth) < set(params)
    for name, value in truth.items():
        assert params[name] == pytest.approx(value, abs=1e-6)


def test_a_ping_is_answered_with_its_payload(boot: Boot) -> None:
    with connected(boot(websocket_interval_seconds=60.0)) as client:
        client.power()
        client.send(0x9, b"are you there")
        assert client.receive() == (0xA, b"are you there")


def test_a_close_is_answered_and_the_connection_ends(boot: Boot) -> None:
    sim = boot(websocket_interval_seconds=60.0)
    with connected(sim) as client:
        client.power()
        assert sim.stats()["websocket"] == {"clients": 1, "most": 1, "total": 1}
        client.send(0x8, struct.pack("!H", 1001))
        assert client.receive() == (0x8, struct.pack("!H", 1001))
        with pytest.raises(EOFError):
            client.read(1)
    assert sim.stats()["websocket"] == {"clients": 0, "most": 1, "total": 1}


def test_the_pvs_closes_after_its_time(boot: Boot) -> None:
    with connected(boot(websocket_life_seconds=0.2, websocket_interval_seconds=60.0)) as client:
        client.power()
        begun = time.monotonic()
        assert client.receive() == (0x8, struct.pack("!H", 1000))
        assert time.monotonic() - begun < 60  # before the next live data
        with pytest.raises(EOFError):
            client.read(1)


def test_an_unmasked_frame_is_a_protocol_error(boot: Boot) -> None:
    with connected(boot(websocket_interval_seconds=60.0)) as client:
        client.power()
        client.send(0x9, b"x", masked=False)
        assert client.receive() == (0x8, struct.pack("!H", 1002))


def test_a_frame_that_is_too_long_is_refused(boot: Boot) -> None:
    with connected(boot(websocket_interval_seconds=60.0)) as client:
        client.power()
        client.raw.sendall(struct.pack("!BBQ", 0x81, 0xFF, 10**9))
        assert client.receive() == (0x8, struct.pack("!H", 1009))


def test_plain_http_is_refused_on_the_websocket_port(boot: Boot) -> None:
    port = boot().ports["websocket"] or 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


def telemetry(sim: Simulator, value: str) -> None:
    """Switch live data as a client does."""
    sim.call(lambda box: setattr(box.state, "telemetry", value))


def test_new_builds_are_silent_while_telemetry_is_off(boot: Boot) -> None:
    sim = boot(firmware=61846, websocket_interval_seconds=0.02)
    with connected(sim) as client:
        client.raw.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.receive()
        client.raw.settimeout(5)
        telemetry(sim, "1")
        client.power()


def test_new_builds_may_refuse_connections_while_telemetry_is_off(boot: Boot) -> None:
    sim = boot(firmware=61846, websocket_interval_seconds=0.02, websocket_off="refused")
    with pytest.raises((ConnectionResetError, BrokenPipeError)), connected(sim):
        pass
    telemetry(sim, "1")
    with connected(sim) as client:
        client.power()
        telemetry(sim, "0")
        opcode = 1
        while opcode == 1:
            opcode, _ = client.receive()
        assert opcode == 0x8


def test_a_pvs5_has_no_websocket(boot: Boot) -> None:
    assert boot(model="PVS5").ports["websocket"] is None


def test_a_restart_drops_the_websocket(boot: Boot) -> None:
    sim = boot(websocket_interval_seconds=60.0)
    with connected(sim) as client:
        client.power()
        Control(sim.control_url).post("restart", seconds=60)
        with pytest.raises(ConnectionResetError):
            client.read(1)
    with pytest.raises((ConnectionResetError, BrokenPipeError)), connected(sim):
        pass
