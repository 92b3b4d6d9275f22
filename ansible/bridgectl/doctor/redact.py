"""Remove secrets from texts.

Three methods complement each other: values after names such as ``psk=``; texts with the form of a
secret, such as a password hash; and known secrets from the inventory, other files and the PVS, in
all their encodings.

The vendor prefix of hardware addresses is kept, because it identifies the radio or router. The rest
is removed, because the address of an access point reveals the location of a house.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator

REMOVED = "(removed)"

# Suffixes of names with secret values, in all file formats.
_NAMES = (
    "psk|passphrase|passwd|password|pass|secret|pmk|pin|token|credentials?|authorization|cookie|"
    "session|hash|wpakey|wpa_key|hotspot_key|private[-_]key|wep[-_]key[0-9]?|key[0-9]|identity|"
    "anonymous[-_]identity|password[-_]raw|proxy_users|notify_urls"
)
_SERIAL_WORDS = r"serial|serial_?num(?:ber)?|sn|machine[-_]id"
_KEYED = r"""
    (?P<head>(?:^|[^A-Za-z0-9])(?:[A-Za-z0-9]*[-_./])*(?:%s)["']?\s*[:=]\s*)
    (?P<value>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\n]*)
"""
_SECRET = re.compile(_KEYED % _NAMES, re.IGNORECASE | re.VERBOSE | re.MULTILINE)
_SERIAL = re.compile(
    rf"""(?P<head>(?<![A-Za-z0-9])(?:{_SERIAL_WORDS})["']?\s*[:=]\s*["']?)(?P<value>[A-Za-z0-9-]{{6,}})""",
    re.IGNORECASE,
)
# In YAML, the value can follow on the next lines: a block of text, or a mapping of users.
_BELOW = re.compile(
    r"""^(?P<head>(?P<indent>[ \t]*)(?:-[ ])?["']?(?:[A-Za-z0-9]*[-_.])*"""
    rf"""(?:{_NAMES})["']?:"""
    r"""[ \t]*(?:[|>][-+0-9]*)?[ \t]*(?:\#[^\n]*)?\n)"""
    # The items of a list may begin below the name.
    r"""(?P<value>(?:(?P=indent)(?:[ \t]+|-[ \t])\S[^\n]*(?:\n|\Z))+)""",
    re.IGNORECASE | re.MULTILINE,
)
# The new API's format: {"name": "/sys/info/wpakey", "value": "..."}.
_NAMED = re.compile(
    rf"""(?P<head>"name"\s*:\s*"[^"]*(?:{_NAMES}|key|ssid|{_SERIAL_WORDS})"\s*,\s*"value"\s*:\s*")"""
    r"""(?P<value>[^"]*)""",
    re.IGNORECASE,
)
# haproxy's user lists; and cloud-init's lists of users, below a line of that name.
_HAPROXY = re.compile(r"(?P<head>\buser\s+\S+\s+(?:insecure-)?password\s+)(?P<value>\S+)")
_HAS_CHPASSWD = re.compile(r"^\s*chpasswd:", re.MULTILINE)
_CHPASSWD = re.compile(r"^(?P<head>\s*-?\s*[a-z_][a-z0-9_-]*:)(?P<value>[^\s:]+)$", re.MULTILINE)

_SHAPES = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"\$(?:[0-9a-z]{1,8})\$[^\s\"':,]{8,}"),  # crypt's hashes
    re.compile(
        r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,}(?![0-9A-Za-z])"
    ),  # keys, digests, the machine's id
    re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"),
    # URLs of apprise: any part may be a token, and web hooks begin with https.
    re.compile(
        r"(?i)(?<![a-z0-9+.-])(?!(?:https?|file|unix|tcp|udp|ssh|git)://)[a-z][a-z0-9]+://[^\s\"',]+"
    ),
    re.compile(r"(?i)(?<=basic )(?=[a-z+/]*[0-9=])[a-z0-9+/]{6,}={0,2}"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/-]{6,}=*"),
    re.compile(r"(?i)(?<=hexdump\(len=)[0-9]+\)(?:\s*:)?(?: [0-9a-f]{2})+"),
    re.compile(r"(?<![0-9A-Za-z])ZT[0-9]{6}[0-9A-Z]{7,14}(?![0-9A-Za-z])"),  # PVS
    re.compile(r"(?<![0-9A-Za-z])E0[0-9]{10,16}(?![0-9A-Za-z])"),  # inverters
    re.compile(r"(?<![0-9A-Za-z])PVS[56]M[0-9]{6,12}[a-z]?(?![0-9A-Za-z])"),  # meters
)
_PVS = re.compile(r"ZT[0-9]{6}[0-9A-Z]{7,14}")

_CLIENT_ID = re.compile(
    r"(?<![0-9A-Fa-f])(?<![0-9A-Fa-f]{2}:)(?:[0-9A-Fa-f]{2}:){6,}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:])"
)
_MAC = re.compile(
    r"(?<![0-9A-Fa-f])(?<![0-9A-Fa-f]{2}:)(?P<maker>(?:[0-9A-Fa-f]{2}[:-]){3})(?:[0-9A-Fa-f]{2}[:-]){2}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:])"
)
_ESCAPED_COLON = re.compile(r"(?<=[0-9A-Fa-f]{2})\\:(?=[0-9A-Fa-f]{2})")
_EUI_64 = re.compile(
    r"[0-9a-f]{0,4}:[0-9a-f]{1,2}ff:fe[0-9a-f]{2}:[0-9a-f]{1,4}(?![0-9a-f:])", re.IGNORECASE
)
_GLOBAL_IPV6 = re.compile(
    r"(?<![0-9a-z:.])[23][0-9a-f]{3}:(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}(?![0-9a-z:])",
    re.IGNORECASE,
)

# Values after such names that are not secret.
_HARMLESS = re.compile(
    r"|[0-9]{1,3}|true|false|yes|no|on|off|none|null|\(removed\)|\[\]|\{\}|\||>|auto|default",
    re.IGNORECASE,
)
_SHORTEST = 4
# Shorter secrets are removed only as whole words, because they also occur within words.
_SHORT = 8


class Secrets:
    """Collects known secrets, and removes them from texts."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Create it with some known secrets, such as the inventory's."""
        self._known: set[str] = set()
        self._macs: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None
        self.count = 0
        for each in known:
            self.add(each)

    def add(self, value: str) -> None:
        """Add a known secret; short texts and words of configuration files are ignored."""
        value = value.strip()
        if len(value) >= _SHORTEST and not _HARMLESS.fullmatch(value):
            self._known.add(value)
            self._pattern = None

    def learn(self, text: str) -> None:
        """Add the secrets in a file or an answer of the PVS."""
        for pattern in (_SECRET, _NAMED, _SERIAL, _HAPROXY):
            for match in pattern.finditer(text):
                self.add(_unquoted(match["value"]))
        for match in _BELOW.finditer(text):
            for line in match["value"].splitlines():
                self.add(_unquoted(line.rpartition(": ")[2]))
        for match in _PVS.finditer(text):
            for each in _of_serial(match[0]):
                self.add(each)

    def clean(self, text: str) -> str:
        """Return a text without secrets."""
        text = (
            self._sub(_CHPASSWD, text) if re.search(r"^\s*chpasswd:", text, re.MULTILINE) else text
        )
        text, count = _BELOW.subn(rf"\g<head>\g<indent>  {REMOVED}\n", text)
        self.count += count
        for pattern in (_SECRET, _NAMED, _HAPROXY, _SERIAL):
            text = self._sub(pattern, text)
        if self._known:
            text = self._replace(self._literal(), text)
        for shape in _SHAPES:
            text = self._replace(shape, text)
        text = _ESCAPED_COLON.sub(":", text)
        text = self._replace(_CLIENT_ID, text)
        text = _MAC.sub(self._mac, text)
        text = self._replace(_EUI_64, text)
        return self._replace(_GLOBAL_IPV6, text)

    def left_in(self, text: str) -> bool:
        """Return whether a text contains a known secret in any encoding."""
        return bool(self._known) and self._literal().search(text) is not None

    def _sub(self, pattern: re.Pattern[str], text: str) -> str:
        """Replace the value after a name, and keep the name."""

        def one(match: re.Match[str]) -> str:
            if _HARMLESS.fullmatch(_unquoted(match["value"])):
                return match[0]
            self.count += 1
            return f"{match['head']}{REMOVED}"

        return pattern.sub(one, text)

    def _replace(self, pattern: re.Pattern[str], text: str) -> str:
        cleaned, count = pattern.subn(REMOVED, text)
        self.count += count
        return cleaned

    def _mac(self, match: re.Match[str]) -> str:
        """Keep the vendor prefix of a device, and number the devices."""
        mac = match[0].lower().replace("-", ":")
        if mac in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"):
            return match[0]
        self.count += 1
        number = self._macs.setdefault(mac, len(self._macs) + 1)
        return f"{match['maker']}(device {number})"

    def _literal(self) -> re.Pattern[str]:
        if self._pattern is None:
            # The longest first, because one may be part of another.
            found = {
                spelling: len(secret) < _SHORT
                for secret in self._known
                for spelling in _spellings(secret)
            }
            self._pattern = re.compile(
                "|".join(
                    rf"(?<![A-Za-z0-9]){re.escape(each)}(?![A-Za-z0-9])"
                    if found[each]
                    else re.escape(each)
                    for each in sorted(found, key=len, reverse=True)
                )
            )
        return self._pattern


def _unquoted(value: str) -> str:
    """Return a value without quotes and trailing comma."""
    value = value.strip().rstrip(",")
    if value[:1] == '"' and value.endswith('"') and len(value) > 1:
        try:
            return str(json.loads(value))
        except ValueError:
            return value[1:-1]
    if value[:1] == "'" and value.endswith("'") and len(value) > 1:
        return value[1:-1].replace("''", "'")
    return value


def _of_serial(serial: str) -> Iterator[str]:
    """Return values derived from a PVS's serial number: password, hotspot and its key."""
    yield serial
    yield serial[-5:]
    yield serial[2:6] + serial[-4:]
    yield f"SunPower{serial[4:6]}{serial[-3:]}"


def _spellings(secret: str) -> set[str]:
    """Return all encodings of a secret."""
    raw = secret.encode()
    found = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.replace("'", "''"),
        secret.replace("\\", "\\\\"),
        secret.replace("&", "&amp;").replace("<", "&lt;"),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        base64.b64encode(raw).decode(),
    }
    if len(raw) >= _SHORT:
        for hexadecimal in (raw.hex(), raw.hex(":"), raw.hex(" ")):
            found |= {hexadecimal, hexadecimal.upper()}
        # Within a longer text, such as a name and a password, Base64 shifts it; only the middle is
        # unchanged.
        for shift in (1, 2):
            found.add(base64.b64encode(b"\0" * shift + raw)[4:].decode().rstrip("=")[:-1])
        found.add(base64.b64encode(raw).decode().rstrip("=")[:-1])
    return {each for each in found if len(each) >= _SHORTEST}
