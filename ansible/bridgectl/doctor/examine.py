"""Check one bridge, from this computer to the PVS."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bridgectl.doctor import reachability
from bridgectl.doctor.pi_checks import check_home, check_pi
from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.remote_probe import RemoteProbe
from bridgectl.doctor.results import (
    BROKEN,
    OK,
    WARNING,
    Group,
    Result,
    broken,
    ok,
    unknown,
)
from bridgectl.doctor.session import Session, UnreachableError, connected
from bridgectl.doctor.ssh_config import Settings, known_keys, resolve
from bridgectl.doctor.target import Target
from bridgectl.errors import Issue
from pvs_bridge.config import HealthConfig
from pvs_bridge.health import checks as health
from pvs_bridge.health import outcomes
from pvs_bridge.health.report import NEW, OLD, TRANSLATED, Link, Report, issue_of
from pvs_bridge.pvs.firmware import SUPERVISOR_INFO, read_firmware

_PROBE = Path(__file__).with_name("probe.sh")
_PROBE_SECONDS = 90
# The proxy waits 120 s for the PVS by default.
_ANSWER_SECONDS = 130
_INFO_SECONDS = 20
_OUR_SERVICES = ("haproxy", "pvs-bridge-compat")


@dataclasses.dataclass(frozen=True)
class Examination:
    """The result of a doctor run.

    Attributes:
        target: the bridge.
        groups: all results, in the order of their dependencies.
        plant: summary of the plant; None if the PVS has not described it.
        seconds: duration.
        session: the open connection; None if the login has failed.
        answers: of the PVS, which contain serial numbers.
    """

    target: Target
    groups: tuple[Group, ...]
    plant: str | None
    seconds: float
    session: Session | None
    answers: tuple[str, ...] = ()

    @property
    def results(self) -> list[Result]:
        """All results in their order."""
        return [result for group in self.groups for result in group.results]

    @property
    def broken(self) -> list[Result]:
        """The broken results in their order; the first often explains the others."""
        return [result for result in self.results if result.state == BROKEN]

    @property
    def warnings(self) -> list[Result]:
        """The results with a warning."""
        return [result for result in self.results if result.state == WARNING]

    @property
    def healthy(self) -> bool:
        """Whether no result is broken."""
        return not self.broken


@contextlib.contextmanager
def examined(target: Target, tell: Callable[[str], None]) -> Iterator[Examination]:
    """Check a bridge, and keep the connection open until the end of the ``with``.

    Args:
        target: the bridge.
        tell: is called with a description of each slow step.

    Raises:
        CannotWorkError: ssh is not installed, or rejects its settings.
    """
    started = time.monotonic()
    settings = resolve(target.address, target.ssh_arguments)
    connection = [reachability.name(settings)]
    with contextlib.ExitStack() as stack:
        session, failure = None, None
        if connection[0].state != BROKEN:
            connection.append(reachability.ping(settings))
            tell(f"logging in to {target.address}")
            try:
                session = stack.enter_context(
                    connected(settings, known_keys(settings), target.become_password)
                )
            except UnreachableError as error:
                failure = reachability.refused(target, settings, error)
        if session is None:
            connection += [failure] if failure else []
            connection += reachability.elsewhere(target, settings)
            seconds = time.monotonic() - started
            groups = (Group("Connection to the Pi", tuple(connection)),)
            yield Examination(target, groups, None, seconds, None)
            return
        tell("checking the Pi")
        probed_at = time.time()
        done = session.run(
            _PROBE.read_text(encoding="utf-8"),
            target.pvs_interface,
            target.pvs_address,
            target.uplink_interface,
            timeout_seconds=_PROBE_SECONDS,
        )
        output = ProbeOutput.read(done.output.decode(errors="replace"))
        connection.append(
            reachability.login(session, settings.user, is_root=output["user"].good == "0")
        )
        tell("requesting DeviceList through the bridge, which takes several seconds")
        probe = RemoteProbe(
            output, lambda script, seconds: session.run(script, timeout_seconds=seconds)
        )
        others, plant = check_bridge(target, settings, output, probe, probed_at)
        yield Examination(
            target,
            (Group("Connection to the Pi", tuple(connection)), *others),
            plant,
            time.monotonic() - started,
            session,
            tuple(reply.body.decode(errors="replace") for reply in probe.replies.values()),
        )


def check_bridge(
    target: Target,
    settings: Settings,
    output: ProbeOutput,
    probe: RemoteProbe,
    probed_at: float,
) -> tuple[tuple[Group, ...], str | None]:
    """Check a Pi after the login.

    Args:
        target: the bridge.
        settings: how ssh connects to it.
        output: of probe.sh.
        probe: sends further requests.
        probed_at: time of the controller's clock at the probe, since 1970.

    Returns:
        the results; and a summary of the plant, if the PVS has described it.
    """
    config = HealthConfig(
        pvs_interface=target.pvs_interface,
        pvs_address=target.pvs_address,
        proxy_port=target.proxy_port,
        uplink_interface=target.uplink_interface,
        timeout_seconds=_ANSWER_SECONDS,
        proxy_serves_home=target.proxy_serves_home,
        translates=target.translates,
        https_port=target.https_port,
        pvs_at_home=target.pvs_at_home,
    )
    report = health.check(config, probe)
    links = {link.name: _result(report, link) for link in report.links}
    home = check_home(output, target)
    if target.uplink_type == "none":
        home = [unknown("Home network", "not configured yet (uplink_type is none)")]
    else:
        # The address comes after the radio and before the router.
        at = next((n for n, each in enumerate(home) if each.title == "Home router"), 0)
        home.insert(at, links["uplink"])
    proxy = [
        _services(output, target),
        links["proxy"],
        links["reach"],
        _firmware(report, probe),
        links["answer"],
    ]
    if report.healthy:
        path = health.REVISION if report.interface == NEW else health.DEVICE_LIST
        proxy.append(reachability.from_home(target, settings, path, _ANSWER_SECONDS))
    groups = (
        Group("The Pi", tuple(check_pi(output, target, probed_at))),
        Group("Home network", tuple(home)),
        Group(
            "PVS",
            (
                *(links[each] for each in ("cable", "lease", "route") if each in links),
                _neighbour(output),
                links["pvs"],
            ),
        ),
        Group("Proxy", tuple(proxy)),
    )
    return groups, report.plant.summary if report.plant else None


def _result(report: Report, link: Link) -> Result:
    """Convert a link of the health check to a result."""
    title = outcomes.LINKS[link.name]
    found = issue_of(link, report.config)
    issue = Issue(found.problem, found.hint) if found else None
    return Result(title, link.state, link.seen, issue)


def _neighbour(output: ProbeOutput) -> Result:
    """Return whether a machine uses the PVS's address; the health check covers its answers."""
    text = output["neighbour"].text
    pings = "answers pings" if output["ping"].good is not None else "does not answer pings"
    title = "PVS's neighbour entry"
    if "lladdr" in text:
        return ok(title, f"a machine has the PVS's address; {pings}")
    return unknown(title, f"no machine has the PVS's address; {pings}")


def _services(output: ProbeOutput, target: Target) -> Result:
    """Check the services that answer requests."""
    title = "Services of the bridge"
    services = output.services()
    wanted = [each for each in _OUR_SERVICES if each == "haproxy" or target.translates]
    missing = [each for each in wanted if each not in services]
    down = [
        each
        for each in wanted
        if each in services and services[each].get("ActiveState") != "active"
    ]
    if output["services"].good is None:
        return unknown(title, "systemd does not answer")
    if missing:
        names = ", ".join(missing)
        return broken(
            title,
            f"not installed: {names}",
            f"The Pi is not provisioned, or not completely: {names} is not installed.",
            f"make provision LIMIT={target.name}",
        )
    if down:
        names = ", ".join(down)
        return broken(
            title,
            f"not running: {names}",
            f"Services of the bridge are not running: {names}.",
            f"On the Pi: sudo systemctl restart {' '.join(down)}; systemctl status {down[0]} "
            "shows why it stopped.",
        )
    return ok(title, f"{', '.join(wanted)} running")


def _firmware(report: Report, probe: RemoteProbe) -> Result:
    """Return the PVS's firmware and which program answers DeviceList."""
    title = "Firmware"
    states = {link.name: link.state for link in report.links}
    if states["proxy"] != OK or states["pvs"] == BROKEN:
        return unknown(title, "not checked, because the PVS is not reachable through the bridge")
    try:
        reply = probe.replies.get(SUPERVISOR_INFO) or probe.get(
            report.config.proxy_port, SUPERVISOR_INFO, _INFO_SECONDS
        )
    except (OSError, http.client.HTTPException):
        return unknown(title, "the PVS does not report it")
    firmware = read_firmware(reply.body)
    if firmware.build is None:
        return unknown(title, "the PVS does not report it")
    state = {
        OLD: "the PVS answers DeviceList",
        TRANSLATED: "DeviceList is closed, the compat service answers it",
        NEW: "DeviceList is closed, and compat_mode is off",
    }.get(report.interface or "", "DeviceList is closed" if firmware.locked else "old API")
    return ok(title, f"{firmware.model}, build {firmware.build}: {state}")
