"""The chain from the PVS to the home network: look at each link, name the first broken one."""

from __future__ import annotations

import dataclasses
import errno
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Callable, Protocol

from pvs_bridge_health.firmware import (
    UNKNOWN_FIRMWARE,
    Firmware,
    read_information,
    read_revision,
)
from pvs_bridge_health.plant import AnswerError, Plant, clean, read_devices, read_plant

OK, BROKEN, UNKNOWN = "ok", "broken", "unknown"
DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
SUPERVISOR_INFO = "/cgi-bin/dl_cgi/supervisor/info"
REVISION = "/vars?name=/sys/info/sw_rev"  # the newer interface tells it without a login
CONNECT_SECONDS = 5.0  # a PVS that is up accepts in milliseconds, even while it works
INFO_SECONDS = 30.0
WAIT_STEP = 2.0
ANSWER_STEP = 3.0
TRANSLATOR_SECONDS = 9.0  # it learns of a new firmware, and the proxy of it, in a third of that
MAX_BODY = 4 * 1024 * 1024  # the list of 37 panels has 31 kB
REASON = 300  # as many characters of a sentence that somebody else has written are shown

OLD, TRANSLATED, NEW = "old", "translated", "new"
"""How the panels' data can be had: from the PVS's device list, from one that the bridge makes out
of the newer interface, or from that interface alone."""


@dataclass(frozen=True)
class Outcome:
    """What can be wrong, and what helps, in plain words with {facts} filled in."""

    problem: str
    cure: str


OUTCOMES: dict[str, Outcome] = {
    "interface_missing": Outcome(
        "The Pi has no network interface {pvs_interface} for the cable to the PVS.",
        "If the PVS hangs on a USB adapter, plug the adapter in again. Otherwise set "
        "pvs_link_interface to the interface's real name and provision again.",
    ),
    "interface_off": Outcome(
        "The Pi's network interface towards the PVS ({pvs_interface}) is switched off.",
        "Restart the Pi. If it stays off, provision the Pi again.",
    ),
    "no_cable": Outcome(
        "There is no signal on the cable between Pi and PVS ({pvs_interface}).",
        "Push both plugs in until they click: on the PVS it is the port LAN1. Check that the "
        "PVS has power. If the PVS restarts just now, wait 10 minutes.",
    ),
    "no_lease": Outcome(
        "The PVS has not given the Pi an address on {pvs_interface}.",
        "If the PVS has just started, wait 10 minutes. Then check that the cable is in the "
        "PVS's port LAN1, pull it out for ten seconds, and restart the Pi if that did not help.",
    ),
    "other_network": Outcome(
        "The Pi's address on {pvs_interface} is not in the PVS's network {pvs_network}.",
        "Check that the cable is in the PVS's port LAN1 and leads to nothing else. If this PVS "
        "has another address, as some have 172.27.152.1, set pvs_link_pvs_address to it and "
        "provision again.",
    ),
    "default_route_taken": Outcome(
        "The Pi sends everything to the PVS: its default route leads out of {pvs_interface}.",
        "Provision the Pi again: that keeps this route away. If it comes back, another "
        "connection for {pvs_interface} was made by hand on the Pi: remove it.",
    ),
    "pvs_silent": Outcome(
        "The PVS does not answer at {pvs_address}.",
        "If it restarts just now, wait 10 minutes. If it stays silent, switch its breaker off "
        "for one minute.",
    ),
    "pvs_restarting": Outcome(
        "The PVS is there but not ready: most likely it is restarting.",
        "Wait 8-10 minutes and check again. If this happens often, let fewer programs ask the "
        "PVS, each at most every 5 minutes.",
    ),
    "pvs_crashed": Outcome(
        "The program in the PVS that makes the device list has crashed (HTTP 500).",
        "Wait 10 minutes and check again. If it stays so, switch the PVS's breaker off for one "
        "minute. Let fewer programs ask the PVS, each at most every 5 minutes.",
    ),
    "firmware_locked": Outcome(
        "The PVS's firmware (build {build}) has closed the device list, and its newer interface "
        "does not answer on port 80.",
        "Leave compat_mode out of the bridge's description, or set it to auto, and provision "
        "again: the bridge then makes the device list by itself. Neither the Pi nor a restart can "
        "open the PVS's own again.",
    ),
    "translator_down": Outcome(
        "The PVS's firmware (build {build}) has closed the device list, and the program on the Pi "
        "that makes it out of the newer interface is not ready.",
        "Restart it (sudo systemctl restart pvs-bridge-compat) or restart the Pi. If it stays "
        "so, provision the Pi again; systemctl status pvs-bridge-compat tells the reason.",
    ),
    "not_translated": Outcome(
        "The bridge cannot make a device list out of the PVS's newer interface. {error}",
        "{cure}",
    ),
    "firmware_refuses_at_random": Outcome(
        "The PVS refused the device list, as its firmware (build {build}) does at random.",
        "Power-cycle the PVS: switch its breaker off for one minute. It answers again after that, "
        "for it has not closed the device list.",
    ),
    "answer_refused": Outcome(
        "The PVS refused the device list (HTTP 403), and its firmware does not explain why: "
        "{firmware}.",
        "Power-cycle the PVS: switch its breaker off for one minute. If it still refuses, its "
        'firmware has closed the device list: set compat_mode to "on" and provision again.',
    ),
    "proxy_down": Outcome(
        "The proxy on the Pi does not accept connections on port {proxy_port}.",
        "Restart it (sudo systemctl restart haproxy) or restart the Pi. If it stays down, "
        "provision the Pi again; systemctl status haproxy tells the reason.",
    ),
    "proxy_refused": Outcome(
        "The proxy on the Pi did not pass the question on (HTTP {status}).",
        "With HTTP 429 or 503 too many programs ask at once: wait a minute. Otherwise the proxy's "
        "configuration is not this project's: provision the Pi again.",
    ),
    "damaged_answer": Outcome(
        "The PVS's answer arrived damaged.",
        "Check again in 5 minutes. If it stays so, switch the PVS's breaker off for one minute.",
    ),
    "not_succeeded": Outcome(
        "The PVS answered, but says that it did not succeed.",
        "Check again in 10 minutes. If it stays so, switch the PVS's breaker off for one minute.",
    ),
    "uplink_missing": Outcome(
        "The Pi has no network interface {uplink_interface} towards the home network.",
        "Set uplink_interface to the interface's real name and provision again; a USB adapter "
        "may have to be plugged in again.",
    ),
    "uplink_down": Outcome(
        "The Pi is not connected to the home network ({uplink_interface}).",
        "With Wi-Fi: check that the router is on, that its name and password are those which "
        "the Pi was given, and that the Pi is in its range. With a cable: check both plugs.",
    ),
    "uplink_no_address": Outcome(
        "The Pi is connected to the home network, but has no address there ({uplink_interface}).",
        "Restart the home router, then the Pi. If the address was set by hand, check it.",
    ),
    "uplink_no_route": Outcome(
        "The Pi has an address in the home network, but no way out of it ({uplink_interface}).",
        "Restart the home router, then the Pi. If the address was set by hand, set the gateway "
        "too: it is the router's address.",
    ),
}
"""Every name that `outcome` can have, in no particular order; they do not change."""

LINKS = {
    "cable": "Cable to the PVS",
    "lease": "Address from PVS",
    "route": "Default route",
    "pvs": "PVS reachable",
    "proxy": "Proxy on the Pi",
    "uplink": "Home network",
    "answer": "Device list",
}
"""The links with their titles, in the order in which a report has them."""


class ConfigError(Exception):
    """A configuration that cannot be: says which key, and what would be right."""


@dataclass(frozen=True)
class Config:
    """What the program has to know about its Pi: the keys of health.json."""

    pvs_interface: str
    pvs_address: str
    proxy_port: int
    uplink_interface: str
    timeout_seconds: float
    proxy_serves_home: bool = True
    translates: bool = True

    @property
    def pvs_network(self) -> IPv4Network:
        """The PVS's own network, which is always a /24."""
        return IPv4Network(f"{self.pvs_address}/24", strict=False)


def read_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: It is not there, not readable, or not right.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; provision the Pi to write it") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON ({error}); provision the Pi to write it") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: give an object with the keys {', '.join(_CHECKS)}")
    for key in values:
        if key not in _CHECKS:
            raise ConfigError(f"{path}: unknown key {key}; known are {', '.join(_CHECKS)}")
    for key, (fits, want) in _CHECKS.items():
        if key not in values:
            raise ConfigError(f"{path}: {key} is missing; give {want}")
        if not fits(values[key]):
            raise ConfigError(f"{path}: {key} is {values[key]!r}; give {want}")
    return Config(**values)


def _is_interface(value: object) -> bool:
    # The name becomes part of a path in /sys.
    return (
        isinstance(value, str)
        and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}", value) is not None
    )


def _is_address(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(IPv4Address(value))
    except AddressValueError:
        return False


def _is_number(value: object, kinds: tuple[type, ...], low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, kinds) and low <= value <= high


_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "pvs_interface": (_is_interface, "an interface's name such as eth0"),
    "pvs_address": (_is_address, "the PVS's IPv4 address such as 172.27.153.1"),
    "proxy_port": (lambda value: _is_number(value, (int,), 1, 65535), "a port from 1 to 65535"),
    "uplink_interface": (_is_interface, "an interface's name such as wlan0"),
    "timeout_seconds": (
        lambda value: _is_number(value, (int, float), 1, 3600),
        "a number of seconds from 1 to 3600",
    ),
    "proxy_serves_home": (lambda value: isinstance(value, bool), "true or false"),
    "translates": (lambda value: isinstance(value, bool), "true or false"),
}


class Signal(Enum):
    """What an interface tells about its cable or radio."""

    MISSING = "does not exist"
    OFF = "is switched off"
    NONE = "has no signal"
    UP = "has a signal"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer.

    Attributes:
        status: The HTTP status.
        headers: By lower-case names.
        body: As much of it as came.
        whole: The body came to its end.
        old: The answer was in HTTP/1.0.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True
    old: bool = False

    @property
    def from_pvs(self) -> bool:
        """Whether the PVS wrote this, and not the proxy by itself.

        The proxy adds neither Via nor Server to what it writes itself, never as HTTP/1.0.
        """
        return "via" in self.headers or "server" in self.headers or self.old

    @property
    def translated(self) -> bool:
        """Whether the program that translates the newer interface wrote this."""
        return "pvs-bridge-compat" in self.headers.get("via", "")


class ProbeError(Exception):
    """Something could not be looked at; says why."""


class World(Protocol):
    """What the check sees of the world outside."""

    def signal(self, interface: str) -> Signal:
        """Tell how an interface is."""

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses. Raises ProbeError."""

    def default_routes(self) -> list[str]:
        """Return the interfaces that default routes lead out of. Raises ProbeError."""

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection and close it. Raises OSError."""

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Ask this machine's own proxy. Raises OSError, http.client.HTTPException."""

    def clock(self) -> float:
        """Return seconds that only ever grow."""

    def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""


@dataclass(frozen=True)
class Link:
    """One link of the chain as it was found; `outcome` is the key in OUTCOMES if broken."""

    name: str
    state: str
    seen: str
    outcome: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The whole chain, and the plant where the PVS has described it.

    Attributes:
        interface: How the panels' data can be had; None if they cannot.
    """

    chain: tuple[Link, ...]
    plant: Plant | None
    seconds: float
    config: Config
    interface: str | None = None

    @property
    def broken(self) -> Link | None:
        """The first broken link, which explains those that follow it."""
        return next((link for link in self.chain if link.state == BROKEN), None)

    @property
    def healthy(self) -> bool:
        """The PVS has answered well through the proxy, and no link is broken."""
        return self.broken is None and self.chain[-1].state == OK

    @property
    def note(self) -> str | None:
        """Which programs a healthy bridge is of no use to; None if there are none."""
        if self.interface == NEW:
            return (
                "The PVS's firmware has closed the device list, and compat_mode is off: only "
                "programs that know /auth and /vars can read the panels."
            )
        if self.interface == TRANSLATED and not self.config.proxy_serves_home:
            return (
                "The PVS's firmware has closed the device list. In bridge_mode routed the home's "
                "programs ask the PVS itself, so they have to know /auth and /vars; the Pi alone "
                "gets a device list from the bridge."
            )
        return None

    @property
    def problem(self) -> str | None:
        """What is wrong; None if nothing is."""
        return self._words("problem")

    @property
    def cure(self) -> str | None:
        """What helps; None if nothing is wrong."""
        return self._words("cure")

    def _words(self, which: str) -> str | None:
        link = self.broken
        if link is None or link.outcome is None:
            return None
        known = dataclasses.asdict(self.config)
        facts = {**known, "pvs_network": self.config.pvs_network, **link.facts}
        text: str = getattr(OUTCOMES[link.outcome], which)
        return text.format_map(facts)


@dataclass(frozen=True)
class Answer:
    """What the question for the device list has brought: by which interface, and the plant."""

    interface: str | None = None
    plant: Plant | None = None


def check(config: Config, world: World, wait: float = 0.0) -> Report:
    """Look at every link, the cheap ones first; ask the PVS once, and only if it can answer.

    Args:
        config: What to look at.
        world: Where to look.
        wait: How many seconds to give a network that has just been changed, before a link that
            is broken counts as broken. The PVS is asked after that, not meanwhile.
    """
    start = world.clock()
    links = check_links(config, world)
    while any(link.state == BROKEN for link in links) and world.clock() - start < wait:
        world.sleep(WAIT_STEP)
        links = check_links(config, world)
    answer = Answer()

    def ask() -> Link:
        nonlocal answer
        link, answer = check_answer(config, world)
        return link

    needed = [link for link in links if link.name in {"cable", "lease", "pvs", "proxy"}]
    last = _after(needed, "answer", ask)
    # Whatever has asked through a network that was not there yet has made the proxy leave the PVS
    # alone for a moment; asking again costs the PVS nothing meanwhile.
    patience = {
        "pvs_restarting": start + wait,
        "translator_down": world.clock() + max(TRANSLATOR_SECONDS, wait),
    }
    while world.clock() < patience.get(last.outcome or "", start):
        world.sleep(ANSWER_STEP)
        last = ask()
    seconds = round(world.clock() - start, 1)
    return Report((*links, last), answer.plant, seconds, config, answer.interface)


def check_links(config: Config, world: World) -> tuple[Link, ...]:
    """Look at every link but the last: nothing of this costs the PVS more than a connection."""
    cable = check_cable(config, world)
    lease = _after([cable], "lease", lambda: check_lease(config, world))
    route = _after([], "route", lambda: check_route(config, world))
    pvs = _after([cable, lease], "pvs", lambda: check_pvs(config, world))
    proxy = check_proxy(config, world)
    uplink = _after([], "uplink", lambda: check_uplink(config, world))
    return (cable, lease, route, pvs, proxy, uplink)


def _after(needed: Sequence[Link], name: str, look: Callable[[], Link]) -> Link:
    """Look at a link only if those that it hangs on are not broken."""
    for link in needed:
        if link.state == BROKEN:
            return Link(name, UNKNOWN, f"not checked: it needs {LINKS[link.name]!r}")
    try:
        return look()
    except ProbeError as error:
        return Link(name, UNKNOWN, str(error))


def check_cable(config: Config, world: World) -> Link:
    """Is there a signal on the cable to the PVS?"""
    signal = world.signal(config.pvs_interface)
    outcome = {
        Signal.MISSING: "interface_missing",
        Signal.OFF: "interface_off",
        Signal.NONE: "no_cable",
    }.get(signal)
    return _link("cable", f"{config.pvs_interface} {signal.value}", outcome)


def check_lease(config: Config, world: World) -> Link:
    """Has the Pi an address in the PVS's network?

    Raises:
        ProbeError: The addresses cannot be read.
    """
    every = world.addresses(config.pvs_interface)
    for address in every:
        if address.ip in config.pvs_network:
            return _link("lease", str(address))
    real = [str(address) for address in every if not address.is_link_local]
    if real:
        return _link("lease", f"only {', '.join(real)}", "other_network")
    made_up = f" but {every[0]}, made up by the Pi" if every else ""
    return _link("lease", f"{config.pvs_interface} has no address{made_up}", "no_lease")


def check_route(config: Config, world: World) -> Link:
    """Is the PVS kept from being the way to everywhere?

    Raises:
        ProbeError: The routes cannot be read.
    """
    taken = config.pvs_interface in world.default_routes()
    seen = f"{'one' if taken else 'none'} through {config.pvs_interface}"
    return _link("route", seen, "default_route_taken" if taken else None)


def check_pvs(config: Config, world: World) -> Link:
    """Does the PVS accept connections?

    Raises:
        ProbeError: The bridge's firewall does not let this user ask.
    """
    at = f"{config.pvs_address} port 80"
    try:
        world.connect(config.pvs_address, 80, min(CONNECT_SECONDS, config.timeout_seconds))
    except ConnectionError as error:  # refused or reset: there is a machine that says so
        return _link("pvs", f"{at}: {_reason(error)}", "pvs_restarting")
    except OSError as error:
        # There is an address in the PVS's network, so this is the firewall's word.
        if error.errno == errno.ENETUNREACH:
            raise ProbeError("not checked: only root and haproxy may ask the PVS itself") from error
        return _link("pvs", f"{at}: {_reason(error)}", "pvs_silent")
    return _link("pvs", f"{at} accepts connections")


def check_proxy(config: Config, world: World) -> Link:
    """Does the proxy on this machine accept connections?"""
    at = f"port {config.proxy_port}"
    try:
        world.connect("127.0.0.1", config.proxy_port, CONNECT_SECONDS)
    except OSError as error:
        return _link("proxy", f"{at}: {_reason(error)}", "proxy_down")
    return _link("proxy", f"{at} accepts connections")


def check_uplink(config: Config, world: World) -> Link:
    """Is the Pi in the home network, and with a way out of it?

    Raises:
        ProbeError: Addresses or routes cannot be read.
    """
    name = config.uplink_interface
    signal = world.signal(name)
    if signal is not Signal.UP:
        outcome = "uplink_missing" if signal is Signal.MISSING else "uplink_down"
        return _link("uplink", f"{name} {signal.value}", outcome)
    addresses = [item for item in world.addresses(name) if not item.is_link_local]
    if not addresses:
        return _link("uplink", f"{name} has no address", "uplink_no_address")
    if name not in world.default_routes():
        return _link("uplink", f"{name} {addresses[0]}, no default route", "uplink_no_route")
    return _link("uplink", f"{name} {addresses[0]}, default route")


def check_answer(config: Config, world: World) -> tuple[Link, Answer]:
    """Ask for the device list through the proxy, once, and judge what comes."""
    start = world.clock()
    nothing = Answer()
    try:
        reply = world.get(config.proxy_port, DEVICE_LIST, config.timeout_seconds)
    except TimeoutError:
        seen = f"no whole answer within {config.timeout_seconds:g} s"
        return _link("answer", seen, "pvs_silent"), nothing
    except ConnectionRefusedError as error:
        return _link("answer", _reason(error), "proxy_down"), nothing
    except OSError as error:
        return _link("answer", f"broken off: {_reason(error)}", "pvs_restarting"), nothing
    except http.client.HTTPException as error:
        seen = f"no HTTP: {clean(type(error).__name__)}"
        return _link("answer", seen, "damaged_answer"), nothing
    if reply.status != 200:
        return _judge_status(reply, config, world)
    return _judge_list(reply, world.clock() - start)


def _judge_list(reply: Reply, seconds: float) -> tuple[Link, Answer]:
    """Judge what came with a good status, after so many seconds."""
    nothing = Answer()
    if not reply.whole:
        seen = f"the answer broke off after {len(reply.body)} bytes"
        return _link("answer", seen, "damaged_answer"), nothing
    try:
        devices = read_devices(reply.body)
    except AnswerError as error:
        outcome = "not_succeeded" if error.refused else "damaged_answer"
        return _link("answer", str(error), outcome), nothing
    seen = f"{len(devices)} devices in {seconds:.1f} s"
    # An answer that is shared for a while says how old it is.
    age = reply.headers.get("age", "0")
    if age != "0":
        seen = f"{seen}, {clean(age)} s old"
    if reply.translated:
        seen = f"{seen}, made by the bridge out of /vars"
    if "warning" in reply.headers:
        # It is handed out because there is no newer one.
        return _link("answer", seen, "pvs_restarting"), nothing
    interface = TRANSLATED if reply.translated else OLD
    return _link("answer", seen), Answer(interface, read_plant(devices))


def _judge_status(reply: Reply, config: Config, world: World) -> tuple[Link, Answer]:
    status = reply.status
    if reply.translated:
        return _judge_translator(reply), Answer()
    seen = f"HTTP {status} from the {'PVS' if reply.from_pvs else 'proxy'}"
    if status == 403 and reply.from_pvs:
        return _judge_403(seen, config, world)
    if status == 503 and b"proxy_queue_" not in reply.body:
        # The proxy leaves a PVS alone that has failed to answer, until it is back.
        outcome = "translator_down" if b"pvs-bridge-compat" in reply.body else "pvs_restarting"
        return _link("answer", seen, outcome, build="unknown"), Answer()
    known = {500: "pvs_crashed", 502: "pvs_restarting", 504: "pvs_silent"}
    other = "damaged_answer" if reply.from_pvs else "proxy_refused"
    return _link("answer", seen, known.get(status, other), status=str(status)), Answer()


def _judge_translator(reply: Reply) -> Link:
    """Pass on what the translating program says that is wrong."""
    seen = f"HTTP {reply.status} from pvs-bridge-compat"
    if b"restarting" in reply.body:
        return _link("answer", seen, "pvs_restarting")
    try:
        said: Any = json.loads(reply.body)
        error, cure = clean(said["error"], REASON), clean(said["cure"], REASON)
    except (ValueError, TypeError, KeyError, RecursionError):
        return _link("answer", seen, "damaged_answer")
    return _link("answer", seen, "not_translated", error=error, cure=cure)


def _judge_403(seen: str, config: Config, world: World) -> tuple[Link, Answer]:
    """Ask the PVS for its firmware: that call is open on every build."""
    firmware = _firmware(config, world)
    if firmware.build is None:
        facts = "it did not tell its build"
        link = _link("answer", f"{seen}, build unknown", "answer_refused", firmware=facts)
        return link, Answer()
    build = str(firmware.build)
    seen = f"{seen}, {firmware.model} build {build}"
    if firmware.locked and config.translates:
        return _link("answer", seen, "translator_down", build=build), Answer()
    if firmware.locked:
        return _judge_newer(seen, build, config, world)
    outcome = "firmware_refuses_at_random" if firmware.refuses_at_random else "answer_refused"
    facts = f"build {build} should answer"
    return _link("answer", seen, outcome, build=build, firmware=facts), Answer()


def _judge_newer(seen: str, build: str, config: Config, world: World) -> tuple[Link, Answer]:
    """Look whether programs that know the newer interface get something through the proxy."""
    revision = read_revision(_body(config, world, REVISION))
    if revision is None:
        return _link("answer", seen, "firmware_locked", build=build), Answer()
    return _link("answer", f"{seen}; /vars answers (firmware {revision})"), Answer(NEW)


def _firmware(config: Config, world: World) -> Firmware:
    body = _body(config, world, SUPERVISOR_INFO)
    return read_information(body) if body else UNKNOWN_FIRMWARE


def _body(config: Config, world: World, path: str) -> bytes:
    """Return the body of a good answer; nothing if there is none."""
    try:
        reply = world.get(config.proxy_port, path, min(INFO_SECONDS, config.timeout_seconds))
    except (OSError, http.client.HTTPException):
        return b""
    return reply.body if reply.status == 200 else b""


def _link(name: str, seen: str, outcome: str | None = None, **facts: str) -> Link:
    return Link(name, BROKEN if outcome else OK, seen, outcome, facts)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return clean(error.strerror or str(error) or type(error).__name__, 60).lower()


class Pi:
    """The world as it is on the Pi itself."""

    def __init__(self, sys_net: Path = Path("/sys/class/net")) -> None:
        """Look for interfaces in `sys_net`."""
        self._sys_net = sys_net

    def signal(self, interface: str) -> Signal:
        """Tell how an interface is."""
        folder = self._sys_net / interface
        if not folder.exists():
            return Signal.MISSING
        try:
            carrier = (folder / "carrier").read_text(encoding="ascii").strip()
        except OSError:  # what the kernel says of an interface that is down
            return Signal.OFF
        return Signal.UP if carrier == "1" else Signal.NONE

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses.

        Raises:
            ProbeError: `ip` cannot tell.
        """
        return ipv4_interfaces(_ip("-4", "address", "show", "dev", interface))

    def default_routes(self) -> list[str]:
        """Return the interfaces that default routes lead out of, IPv6 included.

        Raises:
            ProbeError: `ip` cannot tell.
        """
        found: list[str] = []
        for family in ("-4", "-6"):
            found += ways_out(_ip(family, "route", "show", "default"))
        return found

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection and close it.

        Raises:
            OSError: It does not come about.
        """
        with _timeouts(), socket.create_connection((address, port), timeout=seconds):
            pass

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Ask this machine's own proxy.

        Raises:
            OSError: There is no connection, no answer in time, or it broke off before one.
            http.client.HTTPException: What came is not HTTP.
        """
        deadline = time.monotonic() + seconds
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        with _timeouts():
            try:
                connection.connect()
                sock = connection.sock
                headers = {"User-Agent": "pvs-bridge-health", "Connection": "close"}
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                body, whole = _read_body(response, sock, deadline)
            finally:
                connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, body, whole, old=response.version == 10)

    def clock(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
        time.sleep(seconds)


class _timeouts:  # noqa: N801 - used like a function
    """Up to Python 3.9 a socket's timeout is not yet a TimeoutError: make it one."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, socket.timeout) and not isinstance(error, TimeoutError):
            raise TimeoutError from error


def _read_body(
    response: http.client.HTTPResponse, sock: socket.socket, deadline: float
) -> tuple[bytes, bool]:
    """Read until the end or the deadline: a slow drip must not keep us for ever."""
    length = response.getheader("Content-Length", "")
    # http.client takes the end of the connection for the end of the body: count ourselves.
    expected = int(length) if length.isdecimal() and not response.chunked else None
    body = bytearray()
    while expected is None or len(body) < expected:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        try:
            piece = response.read1(65536)
        except (http.client.IncompleteRead, ConnectionError):
            return bytes(body), False
        body += piece
        if not piece:
            return bytes(body), expected is None
        if len(body) > MAX_BODY:
            return bytes(body), False
    return bytes(body), True


def ipv4_interfaces(entries: Iterable[dict[str, Any]]) -> list[IPv4Interface]:
    """Return the IPv4 addresses in what `ip -json address` says.

    Raises:
        ProbeError: It is something else.
    """
    try:
        return [
            IPv4Interface(f"{info['local']}/{info['prefixlen']}")
            for entry in entries
            for info in entry.get("addr_info", [])
            if info.get("family") == "inet"
        ]
    except (KeyError, ValueError) as error:
        raise ProbeError("not checked: ip said something else") from error


def ways_out(routes: Iterable[dict[str, Any]]) -> list[str]:
    """Return the interfaces in what `ip -json route` says, those of several hops included."""
    hops = (hop for route in routes for hop in (route, *route.get("nexthops", [])))
    return [hop["dev"] for hop in hops if "dev" in hop]


def _ip(*arguments: str) -> list[dict[str, Any]]:
    """Return the objects that `ip` says; old versions print empty ones among them.

    Raises:
        ProbeError: It says nothing.
    """
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    command = shutil.which("ip", path=path)
    if command is None:
        raise ProbeError("not checked: the program ip is missing")
    try:
        done = subprocess.run(
            [command, "-json", *arguments],
            capture_output=True,
            check=True,
            timeout=10,
            text=True,
        )
        entries = json.loads(done.stdout or "[]")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ProbeError(f"not checked: ip failed ({clean(type(error).__name__)})") from error
    if not isinstance(entries, list):
        raise ProbeError("not checked: ip said something else")
    return [entry for entry in entries if isinstance(entry, dict)]
