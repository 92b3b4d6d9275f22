"""A bridge that stays up from test to test, as long as these want the same variables."""

from __future__ import annotations

import contextlib
from typing import Any

from bridges.proxy.home import Home

from proxy_rig.haproxy import Haproxy

PATIENT = {
    "proxy_cache_seconds": 0,
    "proxy_client_requests_per_minute": 1_000_000,
    "proxy_queue_length": 10_000,
}
"""Every request that passes reaches the PVS, and none is too many."""


class Standing:
    """The place of one bridge; its user calls :meth:`close` at the end."""

    def __init__(self) -> None:
        """Begin without one."""
        self._stack = contextlib.ExitStack()
        self._variables: dict[str, Any] | None = None
        self._haproxy: Haproxy | None = None

    def serve(self, home: Home, **variables: Any) -> Home:  # noqa: ANN401 - an inventory's
        """Have a bridge with these variables and :data:`PATIENT`; the PVS's counters are zero.

        Returns:
            the home, so that a test can begin with it.
        """
        wanted = PATIENT | variables
        if wanted != self._variables:
            self.close()
            self._haproxy = self._stack.enter_context(home.bridge(**wanted))
            self._variables = wanted
        home.haproxy = self._haproxy
        home.settle()
        return home

    def close(self) -> None:
        """End the bridge, if there is one."""
        self._variables = None
        self._stack.close()
