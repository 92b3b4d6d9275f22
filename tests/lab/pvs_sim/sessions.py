"""Sessions of the new API: opened by login, ended by logout, age or restart."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable

USER = "ssm_owner"


class Sessions:
    """The open sessions by token. Life is counted from the login, in real seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start without a session."""
        self._monotonic = monotonic
        self._opened: dict[str, float] = {}

    def open(self) -> str:
        """Open a session and return its token."""
        token = secrets.token_urlsafe(48)
        self._opened[token] = self._monotonic()
        return token

    def alive(self, token: str | None, life: float) -> bool:
        """Tell whether the token belongs to a session younger than `life` seconds."""
        self._forget(life)
        return token in self._opened

    def close(self, token: str | None) -> bool:
        """End a session; return whether there was one."""
        return self._opened.pop(token or "", None) is not None

    def clear(self) -> None:
        """End all sessions, as a restart does."""
        self._opened.clear()

    def count(self, life: float) -> int:
        """Return how many sessions are alive."""
        self._forget(life)
        return len(self._opened)

    def _forget(self, life: float) -> None:
        limit = self._monotonic() - life
        self._opened = {t: opened for t, opened in self._opened.items() if opened > limit}


def credentials_fit(header: str | None, password: str) -> bool:
    """Tell whether an Authorization header (scheme in any case) is the owner's."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return given == f"{USER}:{password}"


def token_of(cookie_header: str | None) -> str | None:
    """Return the session token in a Cookie header, or None."""
    for part in (cookie_header or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "session" and value:
            return value
    return None
