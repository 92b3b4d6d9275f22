"""The chain from the PVS to the home network: look at each link, name the first broken one."""

from __future__ import annotations

import errno
import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.firmware import (
    UNKNOWN_FIRMWARE,
    Firmware,
    read_information,
    read_revision,
)
from pvs_bridge.health.outcomes import BROKEN, LINKS, OK, UNKNOWN
from pvs_bridge.health.report import NEW, OLD, TRANSLATED, Link, Report
from pvs_bridge.host.probe import ProbeError, Reply, Signal, World
from pvs_bridge.pvs.devices import AnswerError, Plant, read_devices, read_plant
from pvs_bridge.text import clean

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
SUPERVISOR_INFO = "/cgi-bin/dl_cgi/supervisor/info"
REVISION = "/vars?name=/sys/info/sw_rev"  # the newer interface tells it without a login
CONNECT_SECONDS = 5.0  # a PVS that is up accepts in milliseconds, even while it works
INFO_SECONDS = 30.0
WAIT_STEP = 2.0
ANSWER_STEP = 3.0
TRANSLATOR_SECONDS = 9.0  # it learns of a new firmware, and the proxy of it, in a third of that
REASON = 300  # as many characters of a sentence that somebody else has written are shown


@dataclass(frozen=True)
class Answer:
    """What the question for the device list has brought: by which interface, and the plant."""

    interface: str | None = None
    plant: Plant | None = None


def check(config: HealthConfig, world: World, wait: float = 0.0) -> Report:
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


def check_links(config: HealthConfig, world: World) -> tuple[Link, ...]:
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


def check_cable(config: HealthConfig, world: World) -> Link:
    """Is there a signal on the cable to the PVS?"""
    signal = world.signal(config.pvs_interface)
    outcome = {
        Signal.MISSING: "interface_missing",
        Signal.OFF: "interface_off",
        Signal.NONE: "no_cable",
    }.get(signal)
    return _link("cable", f"{config.pvs_interface} {signal.value}", outcome)


def check_lease(config: HealthConfig, world: World) -> Link:
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


def check_route(config: HealthConfig, world: World) -> Link:
    """Is the PVS kept from being the way to everywhere?

    Raises:
        ProbeError: The routes cannot be read.
    """
    taken = config.pvs_interface in world.default_routes()
    seen = f"{'one' if taken else 'none'} through {config.pvs_interface}"
    return _link("route", seen, "default_route_taken" if taken else None)


def check_pvs(config: HealthConfig, world: World) -> Link:
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


def check_proxy(config: HealthConfig, world: World) -> Link:
    """Does the proxy on this machine accept connections?"""
    at = f"port {config.proxy_port}"
    try:
        world.connect("127.0.0.1", config.proxy_port, CONNECT_SECONDS)
    except OSError as error:
        return _link("proxy", f"{at}: {_reason(error)}", "proxy_down")
    return _link("proxy", f"{at} accepts connections")


def check_uplink(config: HealthConfig, world: World) -> Link:
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


def check_answer(config: HealthConfig, world: World) -> tuple[Link, Answer]:
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


def _judge_status(reply: Reply, config: HealthConfig, world: World) -> tuple[Link, Answer]:
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
        error, hint = clean(said["error"], REASON), clean(said["hint"], REASON)
    except (ValueError, TypeError, KeyError, RecursionError):
        return _link("answer", seen, "damaged_answer")
    return _link("answer", seen, "not_translated", error=error, hint=hint)


def _judge_403(seen: str, config: HealthConfig, world: World) -> tuple[Link, Answer]:
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


def _judge_newer(seen: str, build: str, config: HealthConfig, world: World) -> tuple[Link, Answer]:
    """Look whether programs that know the newer interface get something through the proxy."""
    revision = read_revision(_body(config, world, REVISION))
    if revision is None:
        return _link("answer", seen, "firmware_locked", build=build), Answer()
    return _link("answer", f"{seen}; /vars answers (firmware {revision})"), Answer(NEW)


def _firmware(config: HealthConfig, world: World) -> Firmware:
    body = _body(config, world, SUPERVISOR_INFO)
    return read_information(body) if body else UNKNOWN_FIRMWARE


def _body(config: HealthConfig, world: World, path: str) -> bytes:
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
