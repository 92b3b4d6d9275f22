"""Small readers of the files: what the real programs' sources say, and nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEYFILE_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_ASCII_SPACES = " \t\n\v\f\r"


def read_keyfile(text: str) -> dict[str, dict[str, str]]:
    """Read a GKeyFile into raw values, by group and key."""
    groups: dict[str, dict[str, str]] = {}
    group: dict[str, str] = {}
    for line in text.split("\n"):
        stripped = line.lstrip(_ASCII_SPACES)
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("["):
            group = groups.setdefault(stripped.rstrip(_ASCII_SPACES)[1:-1], {})
            continue
        key, found, value = stripped.partition("=")
        if not found:
            raise ValueError(f"no key: {line!r}")
        group[key.rstrip(_ASCII_SPACES)] = value.strip(_ASCII_SPACES)
    return groups


def keyfile_string(raw: str) -> str:
    """Read a raw value as g_key_file_get_string() does."""

    def unescape(match: re.Match[str]) -> str:
        if match[1] not in _KEYFILE_ESCAPES:
            raise ValueError(f"invalid escape sequence in {raw!r}")
        return _KEYFILE_ESCAPES[match[1]]

    return re.sub(r"\\(.?)", unescape, raw, flags=re.DOTALL)


def keyfile_bytes(raw: str) -> bytes:
    """Read a raw value as NetworkManager reads an SSID: numbers, or else a string."""
    if re.fullmatch(r"[0-9; \t]+", raw):
        numbers = [int(part) for part in raw.split(";") if part.strip()]
        if ";" in raw and all(number < 256 for number in numbers):
            return bytes(numbers)
    return keyfile_string(re.sub(r"\\;", ";", raw)).encode()


def wpa_string(value: str) -> bytes:
    """Read a value as wpa_config_parse_string() does."""
    if value.startswith('"'):
        end = value.rindex('"')
        if end == 0 or value[end + 1 :]:
            raise ValueError(f"not one quoted string: {value!r}")
        return value[1:end].encode()
    if value.startswith('P"'):
        raise ValueError(f"printf-like strings are not expected here: {value!r}")
    return bytes.fromhex(value)


def wpa_networks(text: str) -> Iterator[dict[str, str]]:
    """Read the networks of a file that wpa_supplicant has written."""
    for block in re.findall(r"^network=\{\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL):
        pairs = (line.strip().partition("=") for line in block.split("\n") if line)
        yield {key: value for key, _, value in pairs}
