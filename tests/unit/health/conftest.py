"""A fake probe of a bridge, and the devices of a fake plant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.checks import IDENTITY
from pvs_bridge.host.probe import HomeAccess, Reply, Signal

ROLE = Path(__file__).resolve().parents[3] / "roles/health"
Answer = Reply | Exception


@dataclass
class FakeProbe:
    """A bridge in memory; healthy unless a test changes it. Records the requests."""

    signals: dict[str, Signal] = field(
        default_factory=lambda: {"eth0": Signal.UP, "wlan0": Signal.UP}
    )
    ips: dict[str, list[str]] = field(
        default_factory=lambda: {"eth0": ["172.27.153.20/24"], "wlan0": ["192.168.44.7/24"]}
    )
    routes: list[str] | Exception = field(default_factory=lambda: ["wlan0"])
    refuses: dict[int, Exception] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    connected: list[int] = field(default_factory=list)
    access: HomeAccess | Exception = HomeAccess.OPEN
    foreign: bool = False
    identity: Answer = field(
        default_factory=lambda: Reply(403, {}, b'{"error": "not allowed", "hint": "none"}')
    )
    now: float = 0.0
    later: Callable[[FakeProbe], None] | None = None
    naps: int = 0

    def signal(self, interface: str) -> Signal:
        """Return the state of an interface."""
        return self.signals.get(interface, Signal.MISSING)

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return the addresses of an interface."""
        return [IPv4Interface(text) for text in self.ips.get(interface, [])]

    def default_routes(self) -> list[str]:
        """Return the interfaces of the default routes."""
        if isinstance(self.routes, Exception):
            raise self.routes
        return self.routes

    def connect(self, _address: str, port: int, _seconds: float) -> None:
        """Accept or refuse a connection."""
        self.connected.append(port)
        if port in self.refuses:
            raise self.refuses[port]

    def home_access(self, _port: int) -> HomeAccess:
        """Return whether the home reaches the proxy's port."""
        if isinstance(self.access, Exception):
            raise self.access
        return self.access

    def is_foreign(self, _port: int) -> bool:
        """Return whether another program listens on the proxy's port."""
        return self.foreign

    def get(self, _port: int, path: str, _seconds: float) -> Reply:
        """Return the next answer; that of the proxy itself costs nothing and is not recorded."""
        if path == IDENTITY:
            if isinstance(self.identity, Exception):
                raise self.identity
            return self.identity
        self.asked.append(path)
        self.now += 6.5
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def clock(self) -> float:
        """Return the fake time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the fake time."""
        self.now += seconds
        self.naps += 1
        if self.later:
            self.later(self)


def make_devices(panels: int = 3, *, night: bool = False, battery: bool = False) -> list[Any]:
    """Return the devices of a plant in which panel N makes N * 100 W."""
    devices: list[dict[str, Any]] = [
        {
            "DEVICE_TYPE": "PVS",
            "MODEL": "PV Supervisor PVS6",
            "SERIAL": "ZT210175000612B0042",
            "SWVER": "2024.6, Build 61707",
            "STATE": "working",
            "dl_uptime": "97200",
        }
    ]
    devices += [
        {
            "DEVICE_TYPE": "Power Meter",
            "TYPE": f"PVS5-METER-{letter}",
            "SERIAL": f"PVS6M21750042{letter.lower()}",
            "STATE": "working",
            "p_3phsum_kw": kw,
            "net_ltea_3phsum_kwh": kwh,
        }
        for letter, kw, kwh in (("P", "0.6", "20123.4567"), ("C", "-1.25", "31000.5"))
    ]
    for index in range(1, panels + 1):
        panel = {"DEVICE_TYPE": "Inverter", "SERIAL": f"E0012100{index:07}", "STATE": "error"}
        if not night:
            panel |= {
                "STATE": "working",
                "p_3phsum_kw": f"{index / 10}",
                "ltea_3phsum_kwh": "1234.5",
                "t_htsnk_degc": "41",
            }
        devices.append(panel)
    if battery:
        devices += [
            {"DEVICE_TYPE": kind, "SERIAL": f"SN{number}", "STATE": "working"}
            for number, kind in enumerate(("Battery", "Energy Storage System", "Toaster"))
        ]
    return devices


def make_body(devices: list[Any] | None = None, result: str = "succeed") -> bytes:
    """Return a device list's body."""
    chosen = make_devices() if devices is None else devices
    return json.dumps({"devices": chosen, "result": result}).encode()


def make_reply(status: int = 200, body: bytes | None = None, **more: Any) -> Reply:  # noqa: ANN401
    """Return an answer that came from the PVS through the proxy.

    `server` None: from the proxy.
    """
    server = more.pop("server", "lighttpd/1.4.51")
    headers = {"server": server} if server else {}
    headers |= more.pop("headers", {})
    return Reply(status, headers, make_body() if body is None else body, **more)


@pytest.fixture
def role() -> Path:
    """Return the role's folder."""
    return ROLE


@pytest.fixture
def config() -> HealthConfig:
    """Return the usual configuration."""
    return HealthConfig("eth0", "172.27.153.1", 80, "wlan0", 130, https_port=443)


@pytest.fixture
def make_probe() -> Callable[..., Any]:
    """Make a probe of a healthy bridge, with any fields changed."""

    def build(**chosen: Any) -> FakeProbe:  # noqa: ANN401 - any field
        chosen.setdefault("answers", [make_reply()])
        return FakeProbe(**chosen)

    return build


@pytest.fixture
def devices() -> Callable[..., list[Any]]:
    """Make the devices of a plant."""
    return make_devices


@pytest.fixture
def body() -> Callable[..., bytes]:
    """Make a device list's body."""
    return make_body


@pytest.fixture
def reply() -> Callable[..., Reply]:
    """Make an answer."""
    return make_reply
