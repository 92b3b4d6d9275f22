"""Sessions of the bridge's own clients, which stand for the PVS's."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
import time
from collections.abc import Callable

from pvs_bridge.compat.session import USER

LIFE_SECONDS = 300.0
"""A PVS ends its sessions after 5 to 8 minutes, so every program can log in again."""

_MOST = 64


class Logins:
    """The sessions that are open. The oldest one ends when there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without a session."""
        self._clock = clock
        self._ends: dict[str, float] = {}

    def open(self) -> str:
        """Open a session; return its token."""
        now = self._clock()
        alive = [(token, end) for token, end in self._ends.items() if end > now]
        token = secrets.token_urlsafe(32)
        self._ends = {**dict(alive[1 - _MOST :]), token: now + LIFE_SECONDS}
        return token

    def is_open(self, cookie_header: str) -> bool:
        """Return whether a Cookie header has the token of an open session."""
        return self._ends.get(token_of(cookie_header), 0.0) > self._clock()

    def close(self, cookie_header: str) -> None:
        """End the session of a Cookie header, if there is one."""
        self._ends.pop(token_of(cookie_header), None)


def token_of(cookie_header: str) -> str:
    """Return the token in a Cookie header; empty if it has none."""
    found = re.search(r"(?:^|;)\s*session=([A-Za-z0-9_-]+)", cookie_header)
    return found[1] if found else ""


def is_owner(authorization: str, password: str) -> bool:
    """Return whether an Authorization header is the owner's, with the scheme in either case."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    # In constant time, so that the answer's time tells nothing of the password.
    right = hmac.compare_digest(given, f"{USER}:{password}".encode())
    return scheme.lower() == "basic" and right
