"""The runtime state that a network change can alter: record it, and restore it.

A failed step does not stop the steps after it, because the Pi must become reachable again.
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

# Units that a network change may start, stop or restart. A pattern matches all loaded units.
UNITS = (
    "NetworkManager.service",
    "avahi-daemon.service",
    "avahi-daemon.socket",
    "dhcpcd.service",
    "networking.service",
    "nftables.service",
    "pvs-bridge-firewall.service",
    "pvs-bridge-link-guard.service",
    "pvs-bridge-routing.service",
    "pvs-bridge-wifi-guard.timer",
    "ssh.service",
    "systemd-networkd.service",
    "wpa_supplicant.service",
    "wpa_supplicant@*.service",
)

# The kernel's network settings. Writing the first one resets others, so it comes first.
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
# Long enough for a slow access point.
_STEP_SECONDS = 60
_NETWORKMANAGER_SECONDS = 30


def say(text: str) -> None:
    """Print a text; ignore errors, because the SSH session may have ended."""
    with contextlib.suppress(OSError, ValueError):
        print(readable(text), flush=True)


def readable(text: str) -> str:
    """Return a printable text for any bytes in a file's name."""
    return text.encode("utf-8", "backslashreplace").decode()


def ask(*command: str) -> str:
    """Return what a program prints; an empty text if it is missing."""
    return _attempt(command)[0]


def run(*command: str) -> bool:
    """Run a program; print a failure instead of raising an error.

    Returns:
        whether it succeeded.
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
    """Return those of UNITS that are active."""
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
    """Return the radio's country; empty without a radio."""
    match = re.search(r"^country ([A-Z0-9]{2}):", ask("iw", "reg", "get"), re.MULTILINE)
    return match[1] if match and Path("/sys/class/ieee80211").is_dir() else ""


def _connections() -> list[list[str]]:
    """Return UUID, device and state of NetworkManager's active and activating connections."""
    shown = ask(
        "nmcli", "--terse", "--fields", "UUID,DEVICE,STATE", "connection", "show", "--active"
    )
    found = [line.split(":") for line in shown.splitlines()]
    return [each for each in found if len(each) == 3 and each[1] not in ("", "lo")]


def record(interfaces: Sequence[str]) -> dict[str, Any]:
    """Record the runtime state.

    Args:
        interfaces: The interfaces of the bridge's configuration.

    Returns:
        what :func:`restore` needs, as JSON types.
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


def restore(before: dict[str, Any], changed: Iterable[str]) -> None:
    """Restore the runtime state, after the files have been restored.

    Args:
        before: The result of :func:`record`.
        changed: The paths that were restored.
    """
    changed = list(changed)
    # New units are stopped before the reload, because their unit files are gone already.
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
        _restore_dhcpcd(before)
    if "NetworkManager.service" in before["units"]:
        _restore_networkmanager(before, changed)
    _restart_others(before["units"], changed)


def set_hostname(name: str) -> None:
    """Set the hostname, unless it is set already."""
    try:
        if socket.gethostname() != name:
            socket.sethostname(name)
    except OSError as error:
        say(f"hostname {name}: {error}")


def reboot() -> None:
    """Restart the Pi."""
    run("systemctl", "--no-block", "reboot")


def _set(name: str, value: str) -> None:
    """Write a kernel setting, unless it is right already or its interface is gone."""
    file = _SETTINGS_FOLDER / name
    try:
        if file.read_text().strip() != value:
            file.write_text(value)
    except OSError as error:
        say(f"{file}: {error}")


def _clear(interfaces: Sequence[str]) -> None:
    """Remove the addresses and name servers that dhcpcd and NetworkManager leave behind."""
    for name in ask("resolvconf", "-i").split():
        if name.partition(".")[0] in (*interfaces, "NetworkManager"):
            run("resolvconf", "-f", "-d", name)
    for interface in interfaces:
        run("ip", "address", "flush", "dev", interface)


def _restore_dhcpcd(before: dict[str, Any]) -> None:
    """Restart wpa_supplicant and dhcpcd."""
    for unit in before["units"]:
        if unit.startswith("wpa_supplicant@"):
            run("systemctl", "restart", unit)
    run("systemctl", "start", "dhcpcd.service")


def _restore_networkmanager(before: dict[str, Any], changed: list[str]) -> None:
    """Reload NetworkManager's files, and activate the previous connections."""
    if any(path.startswith("etc/netplan/") for path in changed):
        run("netplan", "generate")
    run("systemctl", "start", "NetworkManager.service")
    # After its start, NetworkManager is on D-Bus before it accepts commands.
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

    # NetworkManager gives up on an access point that does not respond at once, so try again.
    if not _wait(is_back):
        for device, uuid in wanted.items():
            run("nmcli", "--wait", "0", "connection", "up", "uuid", uuid, "ifname", device)


def _wait(condition: Callable[[], bool]) -> bool:
    """Wait for NetworkManager; return whether the condition came true in time."""
    deadline = time.monotonic() + _NETWORKMANAGER_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def _restart_others(units: Sequence[str], changed: list[str]) -> None:
    """Restart the units that read their files only at their start."""
    own = {"NetworkManager.service", "dhcpcd.service"}
    reads = {
        "ssh.service": "etc/ssh/",
        "avahi-daemon.service": "etc/",  # it announces the hostname
        "nftables.service": "etc/nftables.conf",
        "pvs-bridge-firewall.service": "etc/",
        "pvs-bridge-link-guard.service": "etc/",
        "pvs-bridge-routing.service": "etc/",
    }
    for unit in units:
        if unit in own or unit.startswith("wpa_supplicant"):
            continue
        touched = any(path.startswith(reads.get(unit, "etc/systemd/")) for path in changed)
        if touched or ask("systemctl", "is-active", unit).strip() != "active":
            run("systemctl", "restart", unit)


def start_timer(unit: str, description: str, seconds: int, *command: str) -> None:
    """Run a command after some time with systemd, and repeat it until it succeeds.

    Args:
        unit: The name of timer and service, without suffix.
        description: The description in the journal.
        seconds: The delay, by the monotonic clock.
        command: Program and arguments.

    Raises:
        OSError: systemd refuses it.
    """
    stop_timer(unit)
    _must(
        "systemd-run", "--quiet", "--collect", f"--unit={unit}", f"--on-active={seconds}s",
        f"--description={description}",
        "--timer-property=AccuracySec=500ms", "--property=Restart=on-failure",
        "--property=RestartSec=5s", *command,
    )  # fmt: skip


def stop_timer(unit: str) -> None:
    """Stop a timer of :func:`start_timer`; its service, which may be this process, goes on."""
    subprocess.run(["systemctl", "stop", f"{unit}.timer"], check=False, capture_output=True)


def start_service(unit: str, description: str, *command: str) -> None:
    """Run a command now as a service, which keeps its exit status.

    Raises:
        OSError: systemd refuses it.
    """
    stop_service(unit)
    _must(
        "systemd-run", "--quiet", f"--unit={unit}", f"--description={description}",
        "--remain-after-exit", *command,
    )  # fmt: skip


def stop_service(unit: str) -> None:
    """Stop a service of :func:`start_service`, and reset its exit status."""
    for verb in ("stop", "reset-failed"):
        subprocess.run(["systemctl", verb, f"{unit}.service"], check=False, capture_output=True)


def service_state(unit: str) -> str:
    """Return the state of such a service: ``running``, ``done``, ``failed`` or ``unknown``."""
    shown = ask("systemctl", "show", "--property=ActiveState,SubState", f"{unit}.service")
    state = dict(line.split("=", 1) for line in shown.splitlines())
    if state.get("ActiveState") == "failed":
        return "failed"
    return {"exited": "done", "running": "running", "start": "running"}.get(
        state.get("SubState", ""), "unknown"
    )


def is_inside(unit: str) -> bool:
    """Return whether this process belongs to such a service."""
    return f"/{unit}.service" in Path("/proc/self/cgroup").read_text()


def _must(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command[:1])}: {done.stderr.strip()}")


def as_json(value: object) -> str:
    """Return a value as JSON."""
    return json.dumps(value, sort_keys=True)
