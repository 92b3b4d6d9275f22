"""The Pi as it runs: what of it a network change can alter, and how it gets back.

Each step back is taken whether or not the one before worked: a Pi that is reachable again is worth
more than an exception.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

# Units that a change of the network may start, stop or need anew. A pattern stands for all that
# are loaded.
UNITS = (
    "NetworkManager.service",
    "avahi-daemon.service",
    "avahi-daemon.socket",
    "dhcpcd.service",
    "networking.service",
    "nftables.service",
    "pvs-bridge-firewall.service",
    "pvs-bridge-routing.service",
    "pvs-bridge-wifi-guard.timer",
    "ssh.service",
    "systemd-networkd.service",
    "wpa_supplicant.service",
    "wpa_supplicant@*.service",
)

# The kernel's settings for the two networks. Writing the first resets others, so it comes first.
_SETTINGS = (
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv4/conf/*/rp_filter",
    "net/ipv4/conf/*/arp_ignore",
    "net/ipv4/conf/*/arp_announce",
    "net/ipv4/conf/*/accept_redirects",
    "net/ipv4/conf/*/promote_secondaries",
    "net/ipv4/conf/*/send_redirects",
    "net/ipv6/conf/*/accept_ra",
    "net/ipv6/conf/*/addr_gen_mode",
    "net/ipv6/conf/*/autoconf",
    "net/ipv6/conf/*/disable_ipv6",
)
_SETTINGS_FOLDER = Path("/proc/sys")
# An access point may take its time; the caller repeats nothing that has not ended.
_STEP_SECONDS = 60
_NETWORKMANAGER_SECONDS = 30


def say(text: str) -> None:
    """Tell the journal, or a person whose SSH session may just have ended, what happens."""
    with contextlib.suppress(OSError, ValueError):
        print(readable(text), flush=True)


def readable(text: str) -> str:
    """Return a text that can be written, whatever bytes a file's name has."""
    return text.encode("utf-8", "backslashreplace").decode()


def ask(*command: str) -> str:
    """Return what a program prints; nothing where it is not there."""
    return _attempt(command)[0]


def run(*command: str) -> bool:
    """Run a program; a failure is told and not raised.

    Returns:
        whether it did what it should.
    """
    _, problem = _attempt(command)
    if problem:
        say(f"{' '.join(command)}: {problem}")
    return not problem


def _attempt(command: tuple[str, ...]) -> tuple[str, str]:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False,
            timeout=_STEP_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    problem = f"status {done.returncode}: {done.stderr.strip()}" if done.returncode else ""
    return done.stdout, problem


def _active_units() -> list[str]:
    """Name those of UNITS that run."""
    shown = ask("systemctl", "show", "--property=Id,ActiveState", *_loaded_units())
    fields = (
        dict(line.split("=", 1) for line in paragraph.splitlines())
        for paragraph in shown.strip().split("\n\n")
        if paragraph
    )
    running = ("active", "activating", "reloading")
    return [unit["Id"] for unit in fields if unit["ActiveState"] in running]


def _loaded_units() -> list[str]:
    plain = [unit for unit in UNITS if "*" not in unit]
    patterns = [unit for unit in UNITS if "*" in unit]
    listed = ask("systemctl", "list-units", "--all", "--plain", "--no-legend", *patterns)
    return [*plain, *(line.split()[0] for line in listed.splitlines() if line.strip())]


def _settings() -> dict[str, str]:
    """Read the kernel's settings."""
    found = {}
    for pattern in _SETTINGS:
        for file in sorted(_SETTINGS_FOLDER.glob(pattern)):
            found[str(file.relative_to(_SETTINGS_FOLDER))] = file.read_text().strip()
    return found


def _country() -> str:
    """Return the radio's country; empty on a Pi without a radio."""
    match = re.search(r"^country ([A-Z0-9]{2}):", ask("iw", "reg", "get"), re.MULTILINE)
    return match[1] if match and Path("/sys/class/ieee80211").is_dir() else ""


def _connections() -> list[list[str]]:
    """Return UUID, device and state of what NetworkManager has active, or is activating."""
    shown = ask(
        "nmcli", "--terse", "--fields", "UUID,DEVICE,STATE", "connection", "show", "--active"
    )
    found = [line.split(":") for line in shown.splitlines()]
    return [each for each in found if len(each) == 3 and each[1] not in ("", "lo")]


def record(interfaces: Sequence[str]) -> dict[str, Any]:
    """Describe the Pi as it runs.

    Args:
        interfaces: those that the bridge's description names.

    Returns:
        what :func:`bring_back` needs, to be kept as JSON.
    """
    units = _active_units()
    connections: list[list[str]] = []
    if "NetworkManager.service" in units:
        connections = _connections()
    return {
        "hostname": socket.gethostname(),
        "units": units,
        "settings": _settings(),
        "country": _country(),
        "connections": connections,
        "interfaces": list(interfaces),
    }


def bring_back(before: dict[str, Any], changed: Iterable[str]) -> None:
    """Have the Pi run as it did, after its files have been put back.

    Args:
        before: what :func:`record` returned.
        changed: the paths that had to be put back.
    """
    changed = list(changed)
    # What was not there before is stopped while systemd still knows how.
    surplus = [unit for unit in _active_units() if unit not in before["units"]]
    for unit in surplus:
        run("systemctl", "stop", unit)
    run("systemctl", "daemon-reload")
    set_hostname(before["hostname"])
    if "dhcpcd.service" in {*surplus, *before["units"]}:
        run("systemctl", "stop", "dhcpcd.service")
        _clear(before["interfaces"])
    for name, value in before["settings"].items():
        _set(name, value)
    if before["country"] and before["country"] != _country():
        run("iw", "reg", "set", before["country"])
    if "dhcpcd.service" in before["units"]:
        _bring_back_dhcpcd(before)
    if "NetworkManager.service" in before["units"]:
        _bring_back_networkmanager(before, changed)
    _restart_the_rest(before["units"], changed)


def set_hostname(name: str) -> None:
    """Give the Pi its name, unless it has it."""
    try:
        if socket.gethostname() != name:
            socket.sethostname(name)
    except OSError as error:
        say(f"hostname {name}: {error}")


def reboot() -> None:
    """Have the Pi begin again."""
    run("systemctl", "--no-block", "reboot")


def _set(name: str, value: str) -> None:
    """Write one of the kernel's settings, unless it is right or its interface has gone."""
    file = _SETTINGS_FOLDER / name
    try:
        if file.read_text().strip() != value:
            file.write_text(value)
    except OSError as error:
        say(f"{file}: {error}")


def _clear(interfaces: Sequence[str]) -> None:
    """Take away the addresses and name servers that dhcpcd leaves when it ends."""
    for name in ask("resolvconf", "-i").split():
        if name.partition(".")[0] in interfaces:
            run("resolvconf", "-f", "-d", name)
    for interface in interfaces:
        run("ip", "address", "flush", "dev", interface)


def _bring_back_dhcpcd(before: dict[str, Any]) -> None:
    """Have dhcpcd and wpa_supplicant begin anew."""
    for unit in before["units"]:
        if unit.startswith("wpa_supplicant@"):
            run("systemctl", "restart", unit)
    run("systemctl", "start", "dhcpcd.service")


def _bring_back_networkmanager(before: dict[str, Any], changed: list[str]) -> None:
    """Have NetworkManager read its files and activate what was active."""
    if any(path.startswith("etc/netplan/") for path in changed):
        run("netplan", "generate")
    run("systemctl", "start", "NetworkManager.service")
    # One that has just started is on the bus before it takes orders.
    _wait(lambda: run("nmcli", "general", "reload"))
    run("nmcli", "connection", "reload")
    wanted = {device: uuid for uuid, device, _ in before["connections"]}
    for interface in before["interfaces"]:
        if interface not in wanted:
            run("nmcli", "--wait", "0", "device", "disconnect", interface)
    for device, uuid in wanted.items():
        run("nmcli", "--wait", "0", "connection", "up", "uuid", uuid, "ifname", device)

    def is_back() -> bool:
        active = _connections()
        return all(each in active for each in before["connections"] if each[2] == "activated")

    # An access point that is in a bad moment makes NetworkManager give up: once more, then.
    if not _wait(is_back):
        for device, uuid in wanted.items():
            run("nmcli", "--wait", "0", "connection", "up", "uuid", uuid, "ifname", device)


def _wait(condition: Callable[[], bool]) -> bool:
    """Wait for NetworkManager; tell whether it was in time."""
    deadline = time.monotonic() + _NETWORKMANAGER_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def _restart_the_rest(units: Sequence[str], changed: list[str]) -> None:
    """Restart what reads its files only when it starts."""
    own = {"NetworkManager.service", "dhcpcd.service"}
    reads = {
        "ssh.service": "etc/ssh/",
        "avahi-daemon.service": "etc/",  # it announces the Pi's name
        "nftables.service": "etc/nftables.conf",
        "pvs-bridge-firewall.service": "etc/",
        "pvs-bridge-routing.service": "etc/",
    }
    for unit in units:
        if unit in own or unit.startswith("wpa_supplicant"):
            continue
        touched = any(path.startswith(reads.get(unit, "etc/systemd/")) for path in changed)
        if touched or ask("systemctl", "is-active", unit).strip() != "active":
            run("systemctl", "restart", unit)


def start_timer(unit: str, description: str, seconds: int, *command: str) -> None:
    """Have systemd run a command later, and again until it succeeds.

    Args:
        unit: the name of timer and service, without their endings.
        description: what the journal calls it.
        seconds: when, from now, by the clock that no time server changes.
        command: program and arguments.

    Raises:
        OSError: systemd does not take it.
    """
    stop_timer(unit)
    _must(
        "systemd-run", "--quiet", "--collect", f"--unit={unit}", f"--on-active={seconds}s",
        f"--description={description}",
        "--timer-property=AccuracySec=500ms", "--property=Restart=on-failure",
        "--property=RestartSec=5s", *command,
    )  # fmt: skip


def stop_timer(unit: str) -> None:
    """Stop such a timer; its service, which may be this very process, runs on."""
    subprocess.run(["systemctl", "stop", f"{unit}.timer"], check=False, capture_output=True)


def start_service(unit: str, description: str, *command: str) -> None:
    """Have systemd run a command now, on its own, and remember how it ended.

    Raises:
        OSError: systemd does not take it.
    """
    stop_service(unit)
    _must(
        "systemd-run", "--quiet", f"--unit={unit}", f"--description={description}",
        "--remain-after-exit", *command,
    )  # fmt: skip


def stop_service(unit: str) -> None:
    """End such a service and forget how it ended."""
    for verb in ("stop", "reset-failed"):
        subprocess.run(["systemctl", verb, f"{unit}.service"], check=False, capture_output=True)


def service_state(unit: str) -> str:
    """Tell how such a service is: ``running``, ``done``, ``failed`` or ``unknown``."""
    shown = ask("systemctl", "show", "--property=ActiveState,SubState", f"{unit}.service")
    state = dict(line.split("=", 1) for line in shown.splitlines())
    if state.get("ActiveState") == "failed":
        return "failed"
    return {"exited": "done", "running": "running", "start": "running"}.get(
        state.get("SubState", ""), "unknown"
    )


def is_inside(unit: str) -> bool:
    """Tell whether this very process is such a service's."""
    return f"/{unit}.service" in Path("/proc/self/cgroup").read_text()


def _must(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command[:1])}: {done.stderr.strip()}")


def as_json(value: object) -> str:
    """Write a value for another program to read."""
    return json.dumps(value, sort_keys=True)
