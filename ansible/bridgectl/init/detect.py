"""Detect the country, the Wi-Fi network and resolvable names from this computer.

Each value comes from the best available source. Uncertain values are left out, because a wrong one
would keep the bridge off its network.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ZONEINFO = Path("/usr/share/zoneinfo")
LOCALTIME = Path("/etc/localtime")
TIMEZONE = Path("/etc/timezone")

# iw is only in the PATH of root.
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
_PATIENCE_SECONDS = 5

_COUNTRY_LINE = re.compile(r"^country ([A-Z]{2}):", re.MULTILINE)
_LOCALE = re.compile(r"[a-z]{2,3}_([A-Z]{2})(?![A-Za-z0-9])")
_ESCAPED_BYTE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_MOST_SSID_BYTES = 32


@dataclasses.dataclass(frozen=True)
class Found:
    """A detected value.

    Attributes:
        value: the value.
        source: where it comes from; continues a sentence after "taken from".
    """

    value: str
    source: str


def find_country() -> Found | None:
    """Return the country (ISO 3166) whose radio rules apply here; None if unknown.

    The radio comes first, because access points announce the country. The language comes last,
    because en_US is the default of many systems.
    """
    for source in (_country_of_radio, _country_of_time_zone, _country_of_language):
        found = source()
        if found:
            return found
    return None


def find_ssid() -> str | None:
    """Return the name of this computer's Wi-Fi network; None if there is none."""
    for raw in _ssids():
        # The configuration is UTF-8, so other names are left to the user.
        try:
            ssid = raw.decode()
        except UnicodeDecodeError:
            continue
        if 0 < len(raw) <= _MOST_SSID_BYTES:
            return ssid
    return None


def resolves(name: str) -> bool:
    """Return whether a host name can be resolved, also by mDNS if this computer supports it."""
    return bool(_output("getent", "ahosts", name))


def _country_of_radio() -> Found | None:
    # 00 is the world, 98 and 99 are intersections; none of them matches.
    match = _COUNTRY_LINE.search(_output("iw", "reg", "get"))
    return Found(match[1], "this computer's Wi-Fi") if match else None


def _country_of_time_zone() -> Found | None:
    zone = _time_zone()
    # zone.tab has one country per zone; zone1970.tab, the only table of some systems, lists the
    # most populous one first.
    for table in ("zone.tab", "zone1970.tab"):
        for line in _read(ZONEINFO / table).splitlines():
            columns = line.split("\t")
            if not line.startswith("#") and columns[2:3] == [zone]:
                return Found(columns[0][:2], f"this computer's time zone, {zone}")
    return None


def _country_of_language() -> Found | None:
    chosen = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    match = _LOCALE.match(chosen)
    return Found(match[1], f"this computer's language, {match[0]}") if match else None


def _time_zone() -> str:
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        return named
    if LOCALTIME.is_symlink():
        return str(LOCALTIME.readlink()).partition("zoneinfo/")[2]
    return _read(TIMEZONE).strip()


def _ssids() -> Iterator[bytes]:
    """Return the name of the current network from each tool, the most exact one first."""
    fields = ("--terse", "--fields", "ACTIVE,SSID-HEX")
    nmcli = _output("nmcli", *fields, "device", "wifi", "list", "--rescan", "no")
    for line in nmcli.splitlines():
        active, _, digits = line.partition(":")
        if active == "yes" and re.fullmatch(r"([0-9A-Fa-f]{2})+", digits):
            yield bytes.fromhex(digits)
    # Interfaces of type AP are access points themselves.
    for interface in re.split(r"^\tInterface ", _output("iw", "dev"), flags=re.MULTILINE):
        name = re.search(r"^\t\tssid (.+)$", interface, re.MULTILINE)
        if name and re.search(r"^\t\ttype managed$", interface, re.MULTILINE):
            yield _unescape(name[1])
    yield _unescape(_output("iwgetid", "--raw").removesuffix("\n"))


def _unescape(printed: str) -> bytes:
    r"""Convert the output of iw and iwgetid to bytes; they escape bytes as \xHH."""
    raw = printed.encode("utf-8", "surrogateescape")
    return _ESCAPED_BYTE.sub(lambda match: bytes.fromhex(match[1].decode()), raw)


def _output(program: str, *arguments: str) -> str:
    """Return the output of a program; empty if it is missing, fails or times out."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS])
    command = shutil.which(program, path=path)
    if command is None:
        return ""
    try:
        done = subprocess.run(
            [command, *arguments],
            env={**os.environ, "LC_ALL": "C.UTF-8"},  # nmcli translates yes
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_PATIENCE_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "surrogateescape")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
