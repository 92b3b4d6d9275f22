"""Checks of the Pi and the home network that the health check does not make.

Pure: works on the output of probe.sh.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.results import BROKEN, OK, WARNING, Result, broken, ok, unknown, warning
from bridgectl.doctor.target import Target
from bridgectl.errors import Issue
from pvs_bridge.host.vitals import Limits, Vitals, VitalsWarning, judge, read_throttled

_MOST_SECONDS_WRONG = 120

# With overlayroot, the card's own root is here, and this folder stays on the card.
_LOWER = "/media/root-ro"
_KEPT = "/var/lib/pvs-bridge"


def check_pi(output: ProbeOutput, target: Target, controller_seconds: float) -> list[Result]:
    """Check the Pi itself.

    Args:
        output: of probe.sh.
        target: the bridge.
        controller_seconds: time of the controller's clock at the probe, since 1970.
    """
    vitals = read_vitals(output)
    found = judge(vitals, target.limits)
    return [
        _system(output),
        _power(output, found),
        _temperature(vitals, found),
        _card(vitals, found),
        *_root(vitals, target.limits, found),
        *_repair(output),
        _memory(vitals, found),
        _clock(output, controller_seconds),
        _python(output),
        _services(output),
        *_pending(output),
    ]


def check_home(output: ProbeOutput, target: Target) -> list[Result]:
    """Check the home network, apart from what the health check covers."""
    found = list(_radio(output, target.limits)) if target.uplink_type == "wifi" else []
    return [*found, _gateway(output), _names(output)]


def read_vitals(output: ProbeOutput) -> Vitals:
    """Return the Pi's vitals as the monitor reads them on the Pi."""
    power = read_throttled(output["throttled"].good or "")
    millidegrees = output.number("temperature")
    mounts = _mounts(output)
    locked = _locked(mounts) if mounts else None
    space, entries = _df(output, "space"), _df(output, "inodes")
    overlay = _df(output, "root_memory") if locked else None
    options = mounts.get(_KEPT if locked else "/", ("", None))[1]
    memory = {
        name: int(kib) // 1024
        for name, kib in re.findall(r"^(\w+): +(\d+) kB$", output["memory"].text, re.MULTILINE)
    }
    return Vitals(
        under_voltage=None if power is None else power.under_voltage,
        under_voltage_now=None if power is None else power.under_voltage_now,
        throttled=None if power is None else power.throttled,
        throttled_since_start=None if power is None else power.throttled_since_start,
        temperature_celsius=None if millidegrees is None else round(millidegrees / 1000, 1),
        signal_dbm=_signal(output),
        card_free_mib=None if space is None else space[1] // 1024,
        # btrfs reports 0 of 0 entries.
        card_free_entries=entries[1] if entries and entries[0] else None,
        card_read_only=None if options is None else "ro" in options,
        memory_free_mib=memory.get("MemAvailable"),
        memory_mib=memory.get("MemTotal"),
        root_locked=locked,
        root_memory_free_mib=None if overlay is None else overlay[1] // 1024,
        root_memory_mib=None if overlay is None else overlay[0] // 1024,
        up_seconds=output.number("uptime"),
    )


def _signal(output: ProbeOutput) -> int | None:
    found = re.search(r"^\s*signal: (-\d+) dBm$", output["association"].good or "", re.MULTILINE)
    return int(found[1]) if found else None


def _mounts(output: ProbeOutput) -> dict[str, tuple[str, list[str]]]:
    """Return the device and the options of each mount, by mount point."""
    rows = map(str.split, output["mounts"].text.splitlines())
    return {row[1]: (row[0], row[3].split(",")) for row in rows if len(row) > 3}


def _locked(mounts: Mapping[str, tuple[str, list[str]]]) -> bool:
    return mounts.get("/", ("", []))[0] == "overlayroot"


def _df(output: ProbeOutput, name: str) -> tuple[int, int] | None:
    """Return size and free space, or entries, of a file system; None if df has failed."""
    rows = output[name].text.splitlines()[1:]
    try:
        _, size, _, free, *_ = rows[0].split()
        return int(size), int(free)
    except (IndexError, ValueError):
        return None


def _vital(title: str, seen: str, found: Iterable[VitalsWarning], *names: str) -> Result:
    """Return the result of a vital: the first of the named warnings, or OK."""
    for each in found:
        if each.name in names:
            state = BROKEN if each.severe else WARNING
            return Result(title, state, seen, Issue(each.problem, each.hint))
    return Result(title, OK, seen)


def _unknown(title: str, why: str = "not available on this Pi") -> Result:
    return unknown(title, why)


def _system(output: ProbeOutput) -> Result:
    uptime = output.number("uptime")
    model = output["model"].good
    seen = [output["system"].good, model, _up(uptime) if uptime is not None else None]
    return ok("System", ", ".join(filter(None, seen)) or "unknown")


def _up(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"up for {seconds / length:.0f} {unit}"
    return f"up for {seconds:.0f} s"


def _power(output: ProbeOutput, found: list[VitalsWarning]) -> Result:
    power = read_throttled(output["throttled"].good or "")
    if power is None:
        return _unknown("Power")
    flags = [
        ("low voltage now", power.under_voltage_now),
        ("low voltage since boot", power.under_voltage and not power.under_voltage_now),
        ("throttled now", power.throttled),
        ("throttled since boot", power.throttled_since_start and not power.throttled),
    ]
    seen = ", ".join(name for name, is_set in flags if is_set) or "sufficient voltage"
    return _vital("Power", seen, found, "under_voltage", "throttled")


def _temperature(vitals: Vitals, found: list[VitalsWarning]) -> Result:
    celsius = vitals.temperature_celsius
    if celsius is None:
        return _unknown("Temperature")
    return _vital("Temperature", f"{celsius:.0f} °C", found, "temperature")


def _card(vitals: Vitals, found: list[VitalsWarning]) -> Result:
    if vitals.card_read_only is None or vitals.card_free_mib is None:
        return _unknown("Card", "df or /proc/mounts failed")
    seen = f"{vitals.card_free_mib} MiB free"
    if vitals.card_free_entries == 0:
        seen += ", no file system entries left"
    if vitals.card_read_only:
        seen = f"read-only, {seen}"
    return _vital("Card", seen, found, "card")


def _root(vitals: Vitals, limits: Limits, found: list[VitalsWarning]) -> Iterator[Result]:
    """Check a root that is or should be locked."""
    free, size = vitals.root_memory_free_mib, vitals.root_memory_mib
    if vitals.root_locked:
        seen = "locked" if free is None else f"locked, {free} of {size} MiB of its memory free"
        yield _vital("Root", seen, found, "root_memory")
    elif limits.read_only_root and vitals.root_locked is False:
        yield _vital("Root", "unlocked", found, "root_unlocked")


def _repair(output: ProbeOutput) -> Iterator[Result]:
    """Check that a Raspberry Pi repairs its file system after a power cut."""
    options = output["boot_options"].good
    if options is None or "Raspberry Pi" not in output["model"].text:
        return
    if "fsck.repair=yes" in options.split():
        yield ok("Repair at boot", "fsck.repair=yes")
        return
    yield warning(
        "Repair at boot",
        "no fsck.repair=yes",
        "The Pi does not repair its card after a power cut, but waits for a user at the console.",
        "Add fsck.repair=yes to the line of /boot/firmware/cmdline.txt.",
    )


def _memory(vitals: Vitals, found: list[VitalsWarning]) -> Result:
    if vitals.memory_free_mib is None or vitals.memory_mib is None:
        return _unknown("Memory")
    seen = f"{vitals.memory_free_mib} of {vitals.memory_mib} MiB available"
    return _vital("Memory", seen, found, "memory")


def _clock(output: ProbeOutput, controller_seconds: float) -> Result:
    now = output.number("clock")
    if now is None:
        return _unknown("Clock")
    wrong = now - controller_seconds
    seen = f"{abs(wrong):.0f} s {'ahead of' if wrong > 0 else 'behind'} this computer's"
    if abs(wrong) > _MOST_SECONDS_WRONG:
        return warning(
            "Clock",
            seen,
            f"The Pi's clock is wrong: {seen}.",
            "The Pi gets the time from the network: check its name resolution and its default "
            "route. DeviceList works with a wrong clock.",
        )
    synchronized = output["synchronized"].good == "yes"
    return ok("Clock", "as this computer's" + ("" if synchronized else ", not yet synchronized"))


def _python(output: ProbeOutput) -> Result:
    python = output["python"]
    if python.good == "works":
        return ok("Python", "works")
    seen = (python.text.splitlines() or [f"status {python.status}"])[-1]
    return broken(
        "Python",
        seen,
        "Python on the Pi does not work. The bridge's services and Ansible need it.",
        "On the Pi: sudo apt-get install --reinstall python3-minimal python3. If apt fails too, "
        "the card is damaged: write a new one.",
    )


def _services(output: ProbeOutput) -> Result:
    failed = [line.split()[0] for line in output["failed"].text.splitlines() if line.split()]
    if output["failed"].good is None:
        return _unknown("Services", "systemd does not answer")
    if not failed:
        return ok("Services", "no failed units")
    names = ", ".join(failed)
    return warning(
        "Services",
        f"failed: {names}",
        f"Services on the Pi have failed: {names}.",
        f"systemctl status {failed[0]} on the Pi shows the reason; make provision restores the "
        "bridge's own services.",
    )


def _pending(output: ProbeOutput) -> Iterator[Result]:
    text = output["pending"].good
    if text is None:
        return
    try:
        controller = str(json.loads(text)["controller"])
    except (ValueError, KeyError, TypeError):
        controller = "an unknown controller"
    yield warning(
        "Network change",
        f"by {controller}, not confirmed yet",
        f"A change of the Pi's network by {controller} is neither confirmed nor undone.",
        "Check again in two minutes, or, on the Pi: sudo pvs-bridge rollback undo.",
    )


def _radio(output: ProbeOutput, limits: Limits) -> Iterator[Result]:
    blocks = [line.split() for line in output["radio"].text.splitlines()]
    if output["radio"].good is None or not blocks:
        yield _unknown("Radio", "this Pi has no radio that can be blocked")
    elif any(hard == "1" for _, hard in blocks):
        yield broken(
            "Radio",
            "blocked by a switch",
            "The Pi's radio is blocked by a switch.",
            "Look for a switch on the Wi-Fi adapter.",
        )
    elif any(soft == "1" for soft, _ in blocks):
        yield broken(
            "Radio",
            "blocked by software",
            "The Pi's radio is blocked by software, which is the default without a country.",
            "Set uplink_country and provision, or, on the Pi: sudo rfkill unblock wlan.",
        )
    else:
        yield ok("Radio", "not blocked")
    yield _association(output, limits)


def _association(output: ProbeOutput, limits: Limits) -> Result:
    text = output["association"].good
    if text is None:
        return _unknown("Wi-Fi", "iw does not know this interface")
    ssid = re.search(r"^\s*SSID: (.*)$", text, re.MULTILINE)
    if ssid is None:
        state = re.search(r"^wpa_state=(.*)$", output["supplicant"].text, re.MULTILINE)
        return broken(
            "Wi-Fi",
            "not connected" + (f" ({state[1]})" if state else ""),
            "The Pi is not connected to a Wi-Fi network.",
            "Check that the access point is on and in range, and that name and passphrase in "
            "uplink_networks are correct.",
        )
    level = _signal(output)
    seen = f"connected to {ssid[1]!r}" + (f", {level} dBm" if level is not None else "")
    return _vital("Wi-Fi", seen, judge(Vitals(signal_dbm=level), limits), "signal")


def _gateway(output: ProbeOutput) -> Result:
    gateway = output["gateway"]
    lines = gateway.text.splitlines()
    if not lines:
        return _unknown("Home router", "the Pi has no route to a router")
    if gateway.good is not None:
        return ok("Home router", f"{lines[0]} answers")
    seen = f"{lines[0]} does not answer pings"
    return warning(
        "Home router",
        seen,
        f"The home's router {seen}.",
        "Some routers never answer pings. If name resolution fails too, restart the router.",
    )


def _names(output: ProbeOutput) -> Result:
    names = output["names"]
    host = (names.text.splitlines() or ["names"])[0]
    if names.good is not None:
        return ok("Names", f"{host} can be resolved")
    return warning(
        "Names",
        f"{host} cannot be resolved",
        f"The Pi cannot resolve names such as {host}, so it gets neither the time nor updates. "
        "DeviceList works without them.",
        "Check the home's internet connection, and uplink_dns_servers if the address is static.",
    )
