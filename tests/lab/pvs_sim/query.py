"""Reading a request target the way an old CGI program does: generously.

It is unknown which spellings the real program accepts for a command. The simulator
assumes the worst, so that a guard in front of it is only trusted if it lets none through.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_SEPARATORS = re.compile(r"[&;?]")


def split_target(target: str) -> tuple[str, str]:
    """Split a request target into its cleaned path and its raw query.

    An absolute URI loses scheme and host, a fragment is dropped; the path is decoded once,
    and `//`, `.` and `..` are resolved, as lighttpd does before it looks for a program.
    """
    rest = _SCHEME.sub("", target, count=1)
    rest, _, _ = rest.partition("#")
    raw_path, _, query = rest.partition("?")
    return _simplify(unquote(raw_path, errors="replace").split("\0")[0]), query


def _simplify(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    tail = "/" if kept and parts[-1] in {"", ".", ".."} else ""
    return "/" + "/".join(kept) + tail


def parameters(text: str) -> list[tuple[str, str]]:
    """Return the parameters of a query or of a body like one, decoded once, in order.

    `&`, `;` and a further `?` separate; names are lowered, since case may not matter; a
    value ends at a NUL, as a C string does, and loses the white space around it.
    """
    pairs = []
    for part in _SEPARATORS.split(text):
        name, _, value = part.partition("=")
        if name or value:
            pairs.append((_decode(name).lower(), _decode(value)))
    return pairs


def _decode(text: str) -> str:
    return unquote_plus(text, errors="replace").split("\0")[0].strip()


def values_of(pairs: list[tuple[str, str]], name: str) -> list[str]:
    """Return every value given for a parameter (named in lower case), in order."""
    return [value for key, value in pairs if key == name]


def value_of(pairs: list[tuple[str, str]], name: str, default: str = "") -> str:
    """Return the last value given for a parameter (named in lower case)."""
    return (values_of(pairs, name) or [default])[-1]
