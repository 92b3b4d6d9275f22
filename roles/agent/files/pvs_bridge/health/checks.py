"""Check each link between the PVS and the home network, and name the first broken one."""

from __future__ import annotations

import errno
import http.client
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.outcomes import BROKEN, LINKS, OK, UNKNOWN
from pvs_bridge.health.report import NEW, OLD, TRANSLATED, Link, Report
from pvs_bridge.host.probe import HomeAccess, Probe, ProbeError, Reply, Signal
from pvs_bridge.pvs.devices import AnswerError, Plant, read_devices, read_plant
from pvs_bridge.pvs.firmware import SUPERVISOR_INFO, build_of, read_firmware, read_revision
from pvs_bridge.text import clean

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
# The proxy refuses it by itself, without a request to the PVS.
IDENTITY = "/cgi-bin/pvs-bridge"
REVISION = "/vars?name=/sys/info/sw_rev"  # the new API answers this without a login
CONNECT_SECONDS = 5.0  # a running PVS accepts in milliseconds, even while it is busy
INFO_SECONDS = 30.0
WAIT_STEP = 2.0
ANSWER_STEP = 3.0
COMPAT_SECONDS = 9.0  # compat finds a new firmware, and haproxy finds compat, in a third of that
LONGEST_TEXT = 300  # of a sentence that another program wrote


@dataclass(frozen=True)
class Answer:
    """The result of the request for the device list: by which interface, and the plant.

    Attributes:
        certificate_changed: The compat service has seen another certificate than before.
    """

    interface: str | None = None
    plant: Plant | None = None
    certificate_changed: bool = False


def check(config: HealthConfig, probe: Probe, wait: float = 0.0) -> Report:
    """Check every link, the cheap ones first; ask the PVS once, and only if it can answer.

    Args:
        config: What to check.
        probe: How to see the machine.
        wait: How many seconds a network that has just changed may take before a broken link counts
            as broken. The PVS is asked after that, not meanwhile.
    """
    start = probe.clock()
    links = check_links(config, probe)
    while any(link.state == BROKEN for link in links) and probe.clock() - start < wait:
        probe.sleep(WAIT_STEP)
        links = check_links(config, probe)
    answer = Answer()

    def ask() -> Link:
        nonlocal answer
        link, answer = check_answer(config, probe)
        return link

    needed = [link for link in links if link.name in {*way_to_pvs(config), "pvs", "proxy"}]
    last = _check_after(needed, "answer", ask)
    # A request through a network that was not up yet has made the proxy pause the PVS for a moment.
    # Asking again costs the PVS nothing meanwhile.
    deadlines = {
        "pvs_restarting": start + wait,
        "translator_down": probe.clock() + max(COMPAT_SECONDS, wait),
    }
    while probe.clock() < deadlines.get(last.outcome or "", start):
        probe.sleep(ANSWER_STEP)
        last = ask()
    seconds = round(probe.clock() - start, 1)
    return Report(
        (*links, last),
        answer.plant,
        seconds,
        config,
        answer.interface,
        certificate_changed=answer.certificate_changed,
    )


def way_to_pvs(config: HealthConfig) -> tuple[str, ...]:
    """Return the links without which the Pi cannot reach the PVS."""
    return ("uplink",) if config.pvs_at_home else ("cable", "lease")


def check_links(config: HealthConfig, probe: Probe) -> tuple[Link, ...]:
    """Check every link but the last; this costs the PVS one connection at most.

    A PVS in the home network has no cable to the Pi, and gives it neither address nor route.
    """
    if config.pvs_at_home:
        uplink = _check_after([], "uplink", lambda: check_uplink(config, probe))
        pvs = _check_after([uplink], "pvs", lambda: check_pvs(config, probe))
        proxy = _check_after([], "proxy", lambda: check_proxy(config, probe))
        reach = _check_after([proxy], "reach", lambda: check_reach(config, probe))
        return (pvs, proxy, reach, uplink)
    cable = check_cable(config, probe)
    lease = _check_after([cable], "lease", lambda: check_lease(config, probe))
    route = _check_after([], "route", lambda: check_route(config, probe))
    pvs = _check_after([cable, lease], "pvs", lambda: check_pvs(config, probe))
    proxy = _check_after([], "proxy", lambda: check_proxy(config, probe))
    reach = _check_after([proxy], "reach", lambda: check_reach(config, probe))
    uplink = _check_after([], "uplink", lambda: check_uplink(config, probe))
    return (cable, lease, route, pvs, proxy, reach, uplink)


def unchecked(name: str, needed: str) -> Link:
    """Return a link that was not checked because another one is broken."""
    return Link(name, UNKNOWN, f"not checked: it needs {LINKS[needed]!r}")


def _check_after(needed: Sequence[Link], name: str, check_one: Callable[[], Link]) -> Link:
    """Check a link unless one that it needs is broken."""
    for link in needed:
        if link.state == BROKEN:
            return unchecked(name, link.name)
    return probed(name, check_one)


def probed(name: str, check_one: Callable[[], Link]) -> Link:
    """Check a link; it is unknown if the probe fails."""
    try:
        return check_one()
    except ProbeError as error:
        return Link(name, UNKNOWN, str(error))


def check_cable(config: HealthConfig, probe: Probe) -> Link:
    """Check the signal on the cable to the PVS."""
    signal = probe.signal(config.pvs_interface)
    outcome = {
        Signal.MISSING: "interface_missing",
        Signal.OFF: "interface_off",
        Signal.NONE: "no_cable",
    }.get(signal)
    return _link("cable", f"{config.pvs_interface} {signal.value}", outcome)


def check_lease(config: HealthConfig, probe: Probe) -> Link:
    """Check that the Pi has an address in the PVS's network.

    Raises:
        ProbeError: The addresses cannot be read.
    """
    every = probe.addresses(config.pvs_interface)
    for address in every:
        # A larger network would hide others, and a smaller one may not contain the PVS.
        if address.network == config.pvs_network:
            return _link("lease", str(address))
    real = [str(address) for address in every if not address.is_link_local]
    if real:
        return _link("lease", f"only {', '.join(real)}", "other_network")
    link_local = f" but the link-local {every[0]}" if every else ""
    return _link("lease", f"{config.pvs_interface} has no address{link_local}", "no_lease")


def check_route(config: HealthConfig, probe: Probe) -> Link:
    """Check that the Pi's default route does not lead to the PVS.

    Raises:
        ProbeError: The routes cannot be read.
    """
    taken = config.pvs_interface in probe.default_routes()
    seen = f"{'one' if taken else 'none'} through {config.pvs_interface}"
    return _link("route", seen, "default_route_taken" if taken else None)


def check_pvs(config: HealthConfig, probe: Probe) -> Link:
    """Check that the PVS accepts connections.

    Raises:
        ProbeError: The bridge's firewall does not let this user connect.
    """
    by_http = _check_pvs_port(config, probe, 80)
    if by_http.state != BROKEN or not config.pvs_at_home:
        return by_http
    # In the home network it may answer by HTTPS alone.
    by_https = _check_pvs_port(config, probe, 443)
    return by_http if by_https.state == BROKEN else by_https


def _check_pvs_port(config: HealthConfig, probe: Probe, port: int) -> Link:
    at = f"{config.pvs_address} port {port}"
    silent = "pvs_not_at_home" if config.pvs_at_home else "pvs_silent"
    try:
        probe.connect(config.pvs_address, port, min(CONNECT_SECONDS, config.timeout_seconds))
    except ConnectionError as error:  # refused or reset: a machine has answered
        return _link("pvs", f"{at}: {_reason(error)}", "pvs_restarting")
    except socket.gaierror as error:
        return _link("pvs", f"{config.pvs_address}: {_reason(error)}", "pvs_name_unknown")
    except OSError as error:
        # The Pi has an address in the PVS's network, so the firewall has answered this.
        if error.errno == errno.ENETUNREACH and not config.pvs_at_home:
            raise ProbeError("not checked: only root and haproxy may ask the PVS itself") from error
        return _link("pvs", f"{at}: {_reason(error)}", silent)
    return _link("pvs", f"{at} accepts connections")


def check_proxy(config: HealthConfig, probe: Probe) -> Link:
    """Check that the proxy on this machine accepts connections, and not another program.

    Raises:
        ProbeError: The sockets cannot be read.
    """
    at = f"port {config.proxy_port}"
    try:
        probe.connect("127.0.0.1", config.proxy_port, CONNECT_SECONDS)
    except TimeoutError as error:
        # The firewall drops the answers of every other program from this port.
        outcome = "port_taken" if probe.is_foreign(config.proxy_port) else "proxy_down"
        return _link("proxy", f"{at}: {_reason(error)}", outcome)
    except OSError as error:
        return _link("proxy", f"{at}: {_reason(error)}", "proxy_down")
    try:
        reply = probe.get(config.proxy_port, IDENTITY, CONNECT_SECONDS)
    except OSError:
        # A proxy that has reached its limits answers late, or not at all.
        return _link("proxy", f"{at} accepts connections")
    except http.client.HTTPException:
        return _link("proxy", f"{at}: the answer is not HTTP", "port_taken")
    if not reply.from_bridge:
        server = clean(reply.headers.get("server", "") or "another program")
        return _link("proxy", f"{at}: {server} answers", "port_taken")
    return _link("proxy", f"{at} accepts connections")


def check_reach(config: HealthConfig, probe: Probe) -> Link:
    """Check that the home network can reach the proxy's ports, and that HTTPS is served.

    Raises:
        ProbeError: Sockets or firewall cannot be read.
    """
    if not config.proxy_serves_home:
        return _link("reach", "not used in bridge_mode routed")
    ports = [port for port in (config.proxy_port, config.https_port) if port]
    for port in ports:
        if port == config.https_port:
            # haproxy listens there only if it has a certificate. No TLS handshake: the port may be
            # passed through, and the handshake would be a turn at the PVS.
            try:
                probe.connect("127.0.0.1", port, CONNECT_SECONDS)
            except OSError as error:
                seen = f"port {port}: {_reason(error)}"
                return _link("reach", seen, "https_down", port=str(port))
        access = probe.home_access(port)
        outcome = {HomeAccess.LOCAL: "port_local", HomeAccess.CLOSED: "port_closed"}.get(access)
        if outcome:
            return _link("reach", f"port {port} is {access.value}", outcome, port=str(port))
    listed = " and ".join(str(port) for port in ports)
    open_ports = f"port {listed} is" if len(ports) == 1 else f"ports {listed} are"
    return _link("reach", f"{open_ports} {HomeAccess.OPEN.value}")


def check_uplink(config: HealthConfig, probe: Probe) -> Link:
    """Check that the Pi is in the home network, with a default route.

    Raises:
        ProbeError: Addresses or routes cannot be read.
    """
    name = config.uplink_interface
    signal = probe.signal(name)
    if signal is not Signal.UP:
        outcome = "uplink_missing" if signal is Signal.MISSING else "uplink_down"
        return _link("uplink", f"{name} {signal.value}", outcome)
    addresses = [item for item in probe.addresses(name) if not item.is_link_local]
    if not addresses:
        return _link("uplink", f"{name} has no address", "uplink_no_address")
    if name not in probe.default_routes():
        return _link("uplink", f"{name} {addresses[0]}, no default route", "uplink_no_route")
    return _link("uplink", f"{name} {addresses[0]}, default route")


def check_answer(config: HealthConfig, probe: Probe) -> tuple[Link, Answer]:
    """Ask for the device list through the proxy, once, and check the answer."""
    start = probe.clock()
    nothing = Answer()
    try:
        reply = probe.get(config.proxy_port, DEVICE_LIST, config.timeout_seconds)
    except TimeoutError:
        seen = f"no complete answer within {config.timeout_seconds:g} s"
        return _link("answer", seen, "pvs_silent"), nothing
    except ConnectionRefusedError as error:
        return _link("answer", _reason(error), "proxy_down"), nothing
    except OSError as error:
        return _link("answer", f"broken off: {_reason(error)}", "pvs_restarting"), nothing
    except http.client.HTTPException as error:
        seen = f"not HTTP: {clean(type(error).__name__)}"
        return _link("answer", seen, "damaged_answer"), nothing
    if reply.status != 200:
        return _check_status(reply, config, probe)
    return _check_list(reply, probe.clock() - start)


def _check_list(reply: Reply, seconds: float) -> tuple[Link, Answer]:
    """Check an answer of status 200 that took so many seconds."""
    nothing = Answer()
    if not reply.whole:
        seen = f"the answer broke off after {len(reply.body)} bytes"
        return _link("answer", seen, "damaged_answer"), nothing
    try:
        devices = read_devices(reply.body)
    except AnswerError as error:
        html = reply.body.lstrip().startswith(b"<")
        other = "firmware_too_old" if html else "damaged_answer"
        outcome = "not_succeeded" if error.refused else other
        return _link("answer", str(error), outcome), nothing
    seen = f"{len(devices)} devices in {seconds:.1f} s"
    age = reply.headers.get("age", "0")
    if age != "0":
        seen = f"{seen}, {clean(age)} s old"
    if reply.translated:
        seen = f"{seen}, made by the bridge from /vars"
    warning = reply.headers.get("warning", "")
    if "110 " in warning:
        # compat serves an old reading because it has no newer one.
        return _link("answer", seen, "pvs_restarting"), nothing
    interface = TRANSLATED if reply.translated else OLD
    plant = read_plant(devices)
    # Those that the bridge adds are not listed.
    none_listed = plant.missing == len(plant.panels)
    link = _link("answer", seen, "no_panels" if none_listed else None)
    return link, Answer(interface, plant, reply.translated and "299 " in warning)


def _check_status(reply: Reply, config: HealthConfig, probe: Probe) -> tuple[Link, Answer]:
    status = reply.status
    if reply.translated:
        return _check_compat(reply), Answer()
    seen = f"HTTP {status} from the {'PVS' if reply.from_pvs else 'proxy'}"
    if status == 403 and reply.from_pvs:
        return _check_403(seen, config, probe)
    if status == 503 and b"proxy_queue_" not in reply.body:
        # The proxy does not ask a PVS that has failed until its check succeeds.
        outcome = "translator_down" if b"pvs-bridge-compat" in reply.body else "pvs_restarting"
        return _link("answer", seen, outcome, build="unknown"), Answer()
    known = {500: "pvs_crashed", 502: "pvs_restarting", 504: "pvs_silent"}
    other = "damaged_answer" if reply.from_pvs else "proxy_refused"
    return _link("answer", seen, known.get(status, other), status=str(status)), Answer()


def _check_compat(reply: Reply) -> Link:
    """Pass on the error of the compat service."""
    seen = f"HTTP {reply.status} from pvs-bridge-compat"
    if b"restarting" in reply.body:
        return _link("answer", seen, "pvs_restarting")
    try:
        answer: Any = json.loads(reply.body)
        error, hint = clean(answer["error"], LONGEST_TEXT), clean(answer["hint"], LONGEST_TEXT)
    except (ValueError, TypeError, KeyError, RecursionError):
        return _link("answer", seen, "damaged_answer")
    return _link("answer", seen, "not_translated", error=error, hint=hint)


def _check_403(seen: str, config: HealthConfig, probe: Probe) -> tuple[Link, Answer]:
    """Ask the PVS for its firmware, and whether it has the new API.

    Some builds with the new API close the device list until a power cycle, and one does not report
    its build, so the build alone does not decide.
    """
    firmware = read_firmware(_body(config, probe, SUPERVISOR_INFO))
    revision = None
    if not (firmware.locked and config.translates):
        revision = read_revision(_body(config, probe, REVISION))
    number = firmware.build or build_of(revision)
    build = "unknown" if number is None else str(number)
    seen = f"{seen}, {firmware.model} build {build}"
    if config.translates and (firmware.locked or revision is not None):
        return _link("answer", seen, "translator_down", build=build), Answer()
    if revision is not None:
        return _link("answer", f"{seen}; /vars answers (firmware {revision})"), Answer(NEW)
    if firmware.locked:
        return _link("answer", seen, "firmware_locked", build=build), Answer()
    outcome = "firmware_refuses_at_random" if firmware.refuses_at_random else "answer_refused"
    facts = "it did not report its build" if number is None else f"build {build} should answer"
    return _link("answer", seen, outcome, build=build, firmware=facts), Answer()


def _body(config: HealthConfig, probe: Probe, path: str) -> bytes:
    """Return the body of an answer of status 200; empty if there is none."""
    try:
        reply = probe.get(config.proxy_port, path, min(INFO_SECONDS, config.timeout_seconds))
    except (OSError, http.client.HTTPException):
        return b""
    return reply.body if reply.status == 200 else b""


def _link(name: str, seen: str, outcome: str | None = None, **facts: str) -> Link:
    return Link(name, BROKEN if outcome else OK, seen, outcome, facts)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return clean(error.strerror or str(error) or type(error).__name__, 60).lower()
