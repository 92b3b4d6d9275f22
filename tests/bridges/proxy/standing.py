"""A bridge that stays up from test to test, as long as these want the same variables."""

from __future__ import annotations

import contextlib
from typing import Any

from bridges.proxy.home import Home
from bridges.proxy.owner import LOCKED

from proxy_rig.compat_service import CompatService, compat_service
from proxy_rig.haproxy import Haproxy
from pvs_lab.process import wait_until

PATIENT = {
    "proxy_cache_seconds": 0,
    "proxy_client_requests_per_minute": 1_000_000,
    "proxy_queue_length": 10_000,
}
"""Every request that passes reaches the PVS, and none is too many."""

_DETECTION_SECONDS = 20
_ITSELF = "127.0.0.1"
"""In routed mode, the bridge serves only the Pi."""


class Standing:
    """The place of one bridge; its user calls :meth:`close` at the end."""

    def __init__(self) -> None:
        """Begin without one."""
        self._stack = contextlib.ExitStack()
        self._variables: dict[str, Any] | None = None
        self._haproxy: Haproxy | None = None
        self._compat = contextlib.ExitStack()
        self._service: CompatService | None = None
        self._build: int | None = None

    def serve(self, home: Home, **variables: Any) -> Home:  # noqa: ANN401 - an inventory's
        """Have a bridge with these variables and :data:`PATIENT`; the PVS's counters are zero.

        Returns:
            the home, so that a test can begin with it.
        """
        if self._build is not None:
            self.close()
        return self._serve(home, variables)

    def _serve(self, home: Home, variables: dict[str, Any]) -> Home:
        wanted = PATIENT | variables
        if wanted != self._variables:
            self.close()
            self._haproxy = self._stack.enter_context(home.bridge(**wanted))
            self._variables = wanted
        home.haproxy = self._haproxy
        home.settle()
        return home

    def serve_compat(self, home: Home, build: int = LOCKED, **variables: Any) -> Home:  # noqa: ANN401
        """As serve, with a compat service that knows a PVS with a build.

        Raises:
            AssertionError: it does not come up.
        """
        self._serve(home, variables)
        home.pvs.call(lambda box: box.install(build))
        if self._build != build and home.haproxy is not None:
            self._compat.close()
            self._service = program = self._compat.enter_context(
                compat_service(
                    home.world,
                    home.haproxy,
                    secrets=variables.get("proxy_secrets_enabled", False),
                    live_data_enabled=variables.get("compat_live_data_enabled", False),
                )
            )
            locked = home.pvs.call(lambda box: box.firmware.locked)
            last = "/vars" if locked else "/cgi-bin/dl_cgi"
            known = wait_until(
                lambda: (
                    any(record["path"] == last for record in home.pvs.log())
                    and home.ask("/auth?logout", source=_ITSELF, address=_ITSELF).status == 200
                    and _translates(home) is locked
                ),
                _DETECTION_SECONDS,
            )
            if not known:
                raise AssertionError(program.log.read_text())
            self._build = build
        home.compat = self._service
        home.settle()
        return home

    def close(self) -> None:
        """End the bridge, if there is one."""
        self._compat.close()
        self._build = None
        self._variables = None
        self._stack.close()


def _translates(home: Home) -> bool:
    """Return whether the compat service answers the older API now."""
    answer = home.ask("/cgi-bin/dl_cgi?Command=Start", source=_ITSELF, address=_ITSELF)
    return (answer.header("via") or "").endswith("compat")
