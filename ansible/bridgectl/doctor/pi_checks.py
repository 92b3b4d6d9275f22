"""What the health check leaves out: the Pi's power, card, clock and programs, its radio and home.

Pure: works on a recording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from bridgectl.doctor.findings import BROKEN, OK, UNKNOWN, WARNING, Finding
from bridgectl.doctor.probe_output import Recording
from bridgectl.doctor.target import Patient

# What the firmware's word says, by its bits: now, and since the Pi has booted.
_UNDER_VOLTAGE_NOW, _UNDER_VOLTAGE_ONCE = 1 << 0, 1 << 16
_SLOWED_NOW, _SLOWED_ONCE = 0b1110, 0b1110 << 16

_HOTTEST_CELSIUS = 80
_LEAST_FREE_PERCENT = 5
_LEAST_ROOT_MEMORY_PERCENT = 20
_MOST_SECONDS_WRONG = 120
_FAINTEST_DBM = -80

# Where overlayroot has the card's root while memory lies over it, and a folder that stays on it.
_LOWER = "/media/root-ro"
_KEPT = "/var/lib/pvs-bridge"

_SUPPLY = (
    "Give the Pi a supply of its own of 2.5 A or more, with a short cable: the PVS's USB socket "
    "may be too weak for it."
)


def about_the_pi(recording: Recording, controller_seconds: float) -> list[Finding]:
    """Judge the Pi itself.

    Args:
        recording: of the Pi.
        controller_seconds: what the controller's clock said meanwhile, since 1970.
    """
    return [
        _system(recording),
        _power(recording),
        _temperature(recording),
        _card(recording),
        *_root(recording),
        *_repair(recording),
        _memory(recording),
        _clock(recording, controller_seconds),
        _python(recording),
        _services(recording),
        *_pending(recording),
    ]


def about_the_home(recording: Recording, patient: Patient) -> list[Finding]:
    """Judge the way home, but what the health check judges of it."""
    found = list(_radio(recording)) if patient.uplink_type == "wifi" else []
    return [*found, _gateway(recording), _names(recording)]


def _unknown(title: str, why: str = "this Pi does not tell") -> Finding:
    return Finding(title, UNKNOWN, why)


def _system(recording: Recording) -> Finding:
    uptime = recording.number("uptime")
    model = recording["model"].good
    seen = [recording["system"].good, model, _since(uptime) if uptime is not None else None]
    return Finding("System", OK, ", ".join(filter(None, seen)) or "unknown")


def _since(seconds: float) -> str:
    """Say how long ago the Pi booted."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"up for {seconds / length:.0f} {unit}"
    return f"up for {seconds:.0f} s"


def _power(recording: Recording) -> Finding:
    found = re.search(r"(?:0x)?([0-9a-fA-F]+)$", recording["throttled"].good or "")
    if not found:
        return _unknown("Power")
    bits = int(found[1], 16)
    seen = f"throttled=0x{bits:x}"
    if bits & _UNDER_VOLTAGE_NOW:
        return Finding(
            "Power",
            BROKEN,
            f"{seen}: too little voltage now",
            "The Pi gets too little voltage: it may lose its Wi-Fi, its card or its mind.",
            _SUPPLY,
        )
    if bits & _UNDER_VOLTAGE_ONCE:
        return Finding(
            "Power",
            WARNING,
            f"{seen}: too little voltage since it booted",
            "The Pi has got too little voltage at least once since it booted.",
            _SUPPLY,
        )
    if bits & (_SLOWED_NOW | _SLOWED_ONCE):
        when = "now" if bits & _SLOWED_NOW else "since it booted"
        return Finding(
            "Power",
            WARNING,
            f"{seen}: slowed down {when}",
            "The Pi slows itself down, because it is too hot.",
            "Give it air, shade, or a heat sink.",
        )
    return Finding("Power", OK, seen)


def _temperature(recording: Recording) -> Finding:
    value = recording.number("temperature")
    if value is None:
        return _unknown("Temperature")
    celsius = value / 1000
    seen = f"{celsius:.0f} °C"
    if celsius < _HOTTEST_CELSIUS:
        return Finding("Temperature", OK, seen)
    return Finding(
        "Temperature",
        WARNING,
        seen,
        f"The Pi is at {seen}, where it slows down.",
        "Give it air, shade, or a heat sink.",
    )


def _card(recording: Recording) -> Finding:
    """Judge the file system of /: read-only is worse than full, and both break what writes."""
    mounts = _mounts(recording)
    # Under a locked root, this folder is what is the card's own.
    options = mounts.get(_KEPT if _locked(mounts) else "/", ("", None))[1]
    space, inodes = _free(recording, "space"), _free(recording, "inodes")
    if options is None or space is None:
        return _unknown("Card", "df or /proc/mounts failed")
    percent, kib = space
    seen = f"{percent} % free, {kib / 1024:.0f} MiB"
    if "ro" in options:
        return Finding(
            "Card",
            BROKEN,
            f"read-only; {seen}",
            "The Pi's card is read-only. The kernel makes it so where it cannot read or "
            "write it any more: most likely the card is worn out.",
            "Switch the Pi off and on once. If it is read-only again, write a new card; "
            "make provision makes it this bridge.",
        )
    if percent == 0 or (inodes and inodes[0] == 0):
        what = "file system entries" if percent else "space"
        return Finding(
            "Card",
            BROKEN,
            f"no {what} left; {seen}",
            f"The Pi's card has no {what} left, so programs fail in strange ways.",
            "On the Pi: sudo apt-get clean, sudo journalctl --vacuum-size=20M, and "
            "sudo du -xh / | sort -h | tail finds what is large.",
        )
    if percent < _LEAST_FREE_PERCENT:
        return Finding(
            "Card",
            WARNING,
            seen,
            f"The Pi's card is nearly full: {seen}.",
            "On the Pi: sudo apt-get clean, and sudo journalctl --vacuum-size=20M.",
        )
    return Finding("Card", OK, seen)


def _mounts(recording: Recording) -> dict[str, tuple[str, list[str]]]:
    """Return each mount's kind of file system and options, by where it is."""
    rows = map(str.split, recording["mounts"].text.splitlines())
    return {row[1]: (row[2], row[3].split(",")) for row in rows if len(row) > 3}


def _locked(mounts: Mapping[str, tuple[str, list[str]]]) -> bool:
    """Tell whether memory lies over the root."""
    return mounts.get("/", ("", []))[0] == "overlay" and _LOWER in mounts


def _root(recording: Recording) -> Iterator[Finding]:
    """Judge a root that is locked, or should be; of no interest elsewhere."""
    memory = _free(recording, "root_memory")
    if _locked(_mounts(recording)):
        percent, kib = memory or (100, 0)
        seen = f"locked, {percent} % of its memory free" if memory else "locked"
        if percent >= _LEAST_ROOT_MEMORY_PERCENT:
            yield Finding("Root", OK, seen)
            return
        yield Finding(
            "Root",
            WARNING,
            seen,
            f"The memory over the Pi's locked root is nearly full: {kib / 1024:.0f} MiB are free.",
            "Restart the Pi, which forgets what is there. What grows there is found by "
            "sudo du -x /media/root-rw/overlay | sort -n.",
        )
    elif recording["root_lock"].good is not None:
        yield Finding(
            "Root",
            WARNING,
            "unlocked",
            "The Pi's root is to be locked, but is not: what is written wears the card.",
            "Finish what it was unlocked for; then, on the Pi, sudo pvs-bridge-root lock, or "
            "make provision.",
        )


def _repair(recording: Recording) -> Iterator[Finding]:
    """Judge what a Pi does about a card that a power cut has damaged; of no interest elsewhere."""
    options = recording["boot_options"].good
    if options is None or "Raspberry Pi" not in recording["model"].text:
        return
    if "fsck.repair=yes" in options.split():
        yield Finding("Repair at boot", OK, "fsck.repair=yes")
        return
    yield Finding(
        "Repair at boot",
        WARNING,
        "no fsck.repair=yes",
        "A card that a power cut has damaged is not repaired by itself: the Pi would wait for a "
        "person.",
        "Put fsck.repair=yes into the one line of /boot/firmware/cmdline.txt (/boot/cmdline.txt "
        "before Bookworm).",
    )


def _free(recording: Recording, name: str) -> tuple[int, int] | None:
    """Return what df says is free, in percent and in its unit; None where it says nothing.

    btrfs and others without a table of entries say that they have none of none.
    """
    rows = recording[name].text.splitlines()[1:]
    try:
        _, size, _, free, percent, *_ = rows[0].split()
        return (100, 0) if int(size) == 0 else (100 - int(percent.rstrip("%")), int(free))
    except (IndexError, ValueError):
        return None


def _memory(recording: Recording) -> Finding:
    kib = {
        name: int(value)
        for name, value in re.findall(r"^(\w+): +(\d+) kB$", recording["memory"].text, re.MULTILINE)
    }
    if not {"MemTotal", "MemAvailable"} <= kib.keys():
        return _unknown("Memory")
    free_mib, total_mib = kib["MemAvailable"] // 1024, kib["MemTotal"] // 1024
    seen = f"{free_mib} of {total_mib} MiB available"
    if free_mib * 100 >= total_mib * _LEAST_FREE_PERCENT:
        return Finding("Memory", OK, seen)
    return Finding(
        "Memory",
        WARNING,
        seen,
        f"The Pi has hardly any memory left: {seen}.",
        "Look for the program that takes it: ps -e -o rss,comm --sort=-rss | head. "
        "Restart the Pi if it cannot be ended.",
    )


def _clock(recording: Recording, controller_seconds: float) -> Finding:
    now = recording.number("clock")
    if now is None:
        return _unknown("Clock")
    wrong = now - controller_seconds
    synchronized = recording["synchronized"].good == "yes"
    seen = f"{abs(wrong):.0f} s {'ahead of' if wrong > 0 else 'behind'} this computer's"
    if abs(wrong) > _MOST_SECONDS_WRONG:
        return Finding(
            "Clock",
            WARNING,
            seen,
            f"The Pi's clock is wrong: {seen}.",
            "It has no battery and asks a time server: check that the Pi "
            "has names and a way out. DeviceList works all the same.",
        )
    return Finding(
        "Clock", OK, "as this computer's" + ("" if synchronized else ", not yet synchronized")
    )


def _python(recording: Recording) -> Finding:
    said = recording["python"]
    if said.good == "works":
        return Finding("Python", OK, "works")
    seen = (said.text.splitlines() or [f"status {said.status}"])[-1]
    return Finding(
        "Python",
        BROKEN,
        seen,
        "Python on the Pi does not work. What the bridge does by itself needs it, from "
        "its health check to a reload of haproxy, and so does Ansible.",
        "On the Pi: sudo apt-get install --reinstall python3-minimal python3. If apt "
        "fails too, the card is damaged: write a new one.",
    )


def _services(recording: Recording) -> Finding:
    failed = [line.split()[0] for line in recording["failed"].text.splitlines() if line.split()]
    if recording["failed"].good is None:
        return _unknown("Services", "systemd does not answer")
    if not failed:
        return Finding("Services", OK, "none has failed")
    names = ", ".join(failed)
    return Finding(
        "Services",
        WARNING,
        f"failed: {names}",
        f"Services on the Pi have failed: {names}.",
        f"systemctl status {failed[0]} on the Pi tells why; make provision brings the "
        "bridge's own back.",
    )


def _pending(recording: Recording) -> Iterator[Finding]:
    text = recording["pending"].good
    if text is None:
        return
    try:
        who = str(json.loads(text)["controller"])
    except (ValueError, KeyError, TypeError):
        who = "somebody"
    yield Finding(
        "Network change",
        WARNING,
        f"by {who}, not confirmed yet",
        f"A change of the Pi's network by {who} is neither confirmed nor undone.",
        "Wait two minutes and look again, or, on the Pi: sudo pvs-bridge-rollback undo.",
    )


def _radio(recording: Recording) -> Iterator[Finding]:
    blocks = [line.split() for line in recording["radio"].text.splitlines()]
    if recording["radio"].good is None or not blocks:
        yield _unknown("Radio", "there is none that could be blocked")
    elif any(hard == "1" for _, hard in blocks):
        yield Finding(
            "Radio",
            BROKEN,
            "blocked by a switch",
            "The Pi's radio is blocked.",
            "Look for a switch at the Wi-Fi adapter.",
        )
    elif any(soft == "1" for soft, _ in blocks):
        yield Finding(
            "Radio",
            BROKEN,
            "blocked by software",
            "The Pi's radio is blocked, as it is until the Pi knows its country.",
            "Set uplink_country and provision; by hand, on the Pi: sudo rfkill unblock wlan.",
        )
    else:
        yield Finding("Radio", OK, "not blocked")
    yield _association(recording)


def _association(recording: Recording) -> Finding:
    text = recording["association"].good
    if text is None:
        return _unknown("Wi-Fi", "iw does not know this interface")
    ssid = re.search(r"^\s*SSID: (.*)$", text, re.MULTILINE)
    if ssid is None:
        state = re.search(r"^wpa_state=(.*)$", recording["supplicant"].text, re.MULTILINE)
        seen = "in no network" + (f" ({state[1]})" if state else "")
        return Finding(
            "Wi-Fi",
            BROKEN,
            seen,
            "The Pi is in no Wi-Fi network.",
            "Check that the access point is on and in reach, and name and passphrase in "
            "uplink_networks.",
        )
    signal = re.search(r"^\s*signal: (-\d+) dBm$", text, re.MULTILINE)
    seen = f"in {ssid[1]!r}" + (f", {signal[1]} dBm" if signal else "")
    if signal and int(signal[1]) < _FAINTEST_DBM:
        return Finding(
            "Wi-Fi",
            WARNING,
            seen,
            f"The Wi-Fi is faint where the Pi is: {seen}.",
            "Move the Pi or its antenna, or put an access point nearer. A metal box "
            "around the Pi keeps the radio in.",
        )
    return Finding("Wi-Fi", OK, seen)


def _gateway(recording: Recording) -> Finding:
    said = recording["gateway"]
    lines = said.text.splitlines()
    if not lines:
        return _unknown("Home router", "the Pi has no route to one")
    if said.good is not None:
        return Finding("Home router", OK, f"{lines[0]} answers")
    seen = f"{lines[0]} does not answer pings"
    return Finding(
        "Home router",
        WARNING,
        seen,
        f"The home's router {seen}.",
        "Some never do. If names do not work either, restart the router.",
    )


def _names(recording: Recording) -> Finding:
    said = recording["names"]
    host = (said.text.splitlines() or ["names"])[0]
    if said.good is not None:
        return Finding("Names", OK, f"{host} is known")
    return Finding(
        "Names",
        WARNING,
        f"{host} is not known",
        f"The Pi cannot look names up: {host} is not known to it. It gets neither the "
        "time nor updates; DeviceList works all the same.",
        "Check that the home has internet, and uplink_dns_servers if the address is static.",
    )
