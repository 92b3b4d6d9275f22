"""The whole examination of one bridge, from this computer to the panels."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bridgectl.doctor import reachability
from bridgectl.doctor.findings import BROKEN, OK, UNKNOWN, WARNING, Finding, Group
from bridgectl.doctor.pi_checks import about_the_home, about_the_pi
from bridgectl.doctor.probe_output import Recording
from bridgectl.doctor.remote_probe import RemotePi
from bridgectl.doctor.session import Session, Unreached, connected
from bridgectl.doctor.ssh_config import Settings, known_keys, resolve
from bridgectl.doctor.target import Patient
from pvs_bridge.config import HealthConfig
from pvs_bridge.health import checks as health
from pvs_bridge.health import outcomes
from pvs_bridge.health.report import NEW, OLD, TRANSLATED, Link, Report, issue_of
from pvs_bridge.pvs.firmware import SUPERVISOR_INFO, read_firmware

_PROBE = Path(__file__).with_name("probe.sh")
_PROBE_SECONDS = 90
# As long as the proxy waits for the PVS, and a little more.
_ANSWER_SECONDS = 130
_INFO_SECONDS = 20
_OUR_SERVICES = ("haproxy", "pvs-bridge-compat")


@dataclasses.dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        patient: whom it is about.
        groups: all findings, in the order in which one hangs on the other.
        plant: the plant in one line; None where the PVS has not described it.
        seconds: how long it took.
        session: the connection; None where there is none. It ends with the examination.
        heard: what the PVS has said: it tells which serial numbers there are.
    """

    patient: Patient
    groups: tuple[Group, ...]
    plant: str | None
    seconds: float
    session: Session | None
    heard: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """All findings in their order."""
        return [finding for group in self.groups for finding in group.findings]

    @property
    def broken(self) -> list[Finding]:
        """What is broken, the first first: it often explains those that follow."""
        return [finding for finding in self.findings if finding.state == BROKEN]

    @property
    def warnings(self) -> list[Finding]:
        """What works, but not well."""
        return [finding for finding in self.findings if finding.state == WARNING]

    @property
    def healthy(self) -> bool:
        """Nothing is broken."""
        return not self.broken


@contextlib.contextmanager
def examined(patient: Patient, tell: Callable[[str], None]) -> Iterator[Examination]:
    """Examine a bridge, and keep the connection as long as a ``with`` lasts.

    Args:
        patient: the bridge.
        tell: told what takes time.

    Raises:
        CannotWorkError: ssh itself cannot work.
    """
    started = time.monotonic()
    settings = resolve(patient.address, patient.ssh_arguments)
    way = [reachability.name(settings)]
    with contextlib.ExitStack() as stack:
        session, failure = None, None
        if way[0].state != BROKEN:
            way.append(reachability.ping(settings))
            tell(f"logging into {patient.address}")
            try:
                session = stack.enter_context(connected(settings, known_keys(settings)))
            except Unreached as error:
                failure = reachability.refused(patient, settings, error)
        if session is None:
            way += [*([failure] if failure else []), *reachability.elsewhere(patient, settings)]
            seconds = time.monotonic() - started
            yield Examination(patient, (Group("To the Pi", tuple(way)),), None, seconds, None)
            return
        tell("looking at the Pi")
        asked_at = time.time()
        done = session.run(
            _PROBE.read_text(encoding="utf-8"),
            patient.pvs_interface,
            patient.pvs_address,
            patient.uplink_interface,
            timeout_seconds=_PROBE_SECONDS,
        )
        recording = Recording.read(done.output.decode(errors="replace"))
        way.append(
            reachability.login(session, settings.user, is_root=recording["user"].good == "0")
        )
        tell("asking for DeviceList through the bridge, which takes the PVS some seconds")
        world = RemotePi(
            recording, lambda script, seconds: session.run(script, timeout_seconds=seconds)
        )
        groups, plant = judge(patient, settings, recording, world, asked_at)
        yield Examination(
            patient,
            (Group("To the Pi", tuple(way)), *groups),
            plant,
            time.monotonic() - started,
            session,
            tuple(reply.body.decode(errors="replace") for reply in world.replies.values()),
        )


def judge(
    patient: Patient,
    settings: Settings,
    recording: Recording,
    world: RemotePi,
    asked_at: float,
) -> tuple[tuple[Group, ...], str | None]:
    """Judge a Pi that can be asked.

    Args:
        patient: what the inventory knows of it.
        settings: how it was reached.
        recording: what it has said.
        world: the Pi, to be asked for the rest.
        asked_at: what this computer's clock said when it was asked, since 1970.

    Returns:
        the findings; and the plant in one line, where there is one.
    """
    config = HealthConfig(
        pvs_interface=patient.pvs_interface,
        pvs_address=patient.pvs_address,
        proxy_port=patient.proxy_port,
        uplink_interface=patient.uplink_interface,
        timeout_seconds=_ANSWER_SECONDS,
        proxy_serves_home=patient.proxy_serves_home,
        translates=patient.translates,
    )
    report = health.check(config, world)
    links = {link.name: _finding(report, link) for link in report.links}
    home = about_the_home(recording, patient)
    if patient.uplink_type == "none":
        home = [Finding("Home network", UNKNOWN, "none yet, by uplink_type")]
    else:
        # The radio first, then what goes over it.
        at = next((n for n, each in enumerate(home) if each.title == "Home router"), 0)
        home.insert(at, links["uplink"])
    through = [
        _services(recording, patient),
        links["proxy"],
        *_firmware(report, world),
        links["answer"],
    ]
    if report.healthy:
        path = health.REVISION if report.interface == NEW else health.DEVICE_LIST
        through.append(reachability.from_home(patient, settings, path, _ANSWER_SECONDS))
    groups = (
        Group("The Pi", tuple(about_the_pi(recording, asked_at))),
        Group("To the home", tuple(home)),
        Group(
            "To the PVS",
            (links["cable"], links["lease"], links["route"], _neighbour(recording), links["pvs"]),
        ),
        Group("Through the bridge", tuple(through)),
    )
    return groups, report.plant.summary if report.plant else None


def _finding(report: Report, link: Link) -> Finding:
    """Put a link of the health check into our words."""
    issue = issue_of(link, report.config)
    problem, hint = (issue.problem, issue.hint) if issue else (None, None)
    return Finding(outcomes.LINKS[link.name], link.state, link.seen, problem, hint)


def _neighbour(recording: Recording) -> Finding:
    """Say whether a machine is at the PVS's address; whether it is well is said elsewhere."""
    text = recording["neighbour"].text
    pings = "answers pings" if recording["ping"].good is not None else "no answer to a ping"
    if "lladdr" in text:
        return Finding("PVS's neighbour entry", OK, f"a machine has its address; {pings}")
    return Finding("PVS's neighbour entry", UNKNOWN, f"nobody has claimed its address; {pings}")


def _services(recording: Recording, patient: Patient) -> Finding:
    """Judge what serves: the proxy, and what translates."""
    services = recording.services()
    wanted = [each for each in _OUR_SERVICES if each == "haproxy" or patient.translates]
    missing = [each for each in wanted if each not in services]
    down = [
        each
        for each in wanted
        if each in services and services[each].get("ActiveState") != "active"
    ]
    if recording["services"].good is None:
        return Finding("Services of the bridge", UNKNOWN, "systemd does not answer")
    if missing:
        names = ", ".join(missing)
        return Finding(
            "Services of the bridge",
            BROKEN,
            f"not installed: {names}",
            f"The Pi is no bridge yet, or no whole one: {names} is not installed.",
            f"make provision LIMIT={patient.name}",
        )
    if down:
        names = ", ".join(down)
        return Finding(
            "Services of the bridge",
            BROKEN,
            f"not running: {names}",
            f"What makes the Pi a bridge does not run: {names}.",
            f"On the Pi: sudo systemctl restart {' '.join(down)}; systemctl status "
            f"{down[0]} tells why it stopped.",
        )
    return Finding("Services of the bridge", OK, f"{', '.join(wanted)} run")


def _firmware(report: Report, world: RemotePi) -> Iterator[Finding]:
    """Say what the PVS's firmware is, and who answers for it; asked only where it may answer."""
    title = "Firmware"
    states = {link.name: link.state for link in report.links}
    if states["proxy"] != OK or states["pvs"] == BROKEN:
        yield Finding(title, UNKNOWN, "not asked: the PVS is not reached through the bridge")
        return
    try:
        reply = world.replies.get(SUPERVISOR_INFO) or world.get(
            report.config.proxy_port, SUPERVISOR_INFO, _INFO_SECONDS
        )
    except (OSError, http.client.HTTPException):
        yield Finding(title, UNKNOWN, "the PVS did not tell it")
        return
    firmware = read_firmware(reply.body)
    if firmware.build is None:
        yield Finding(title, UNKNOWN, "the PVS did not tell it")
        return
    who = {
        OLD: "answers DeviceList by itself",
        TRANSLATED: "has closed DeviceList; the bridge answers in its place",
        NEW: "has closed DeviceList, and compat_mode is off",
    }.get(report.interface or "", "has closed DeviceList" if firmware.locked else "older API")
    yield Finding(title, OK, f"{firmware.model}, build {firmware.build}: {who}")
