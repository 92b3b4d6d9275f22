"""Model, serial number and firmware of the PVS, and whether it answers the old API."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.compat.pvs import Pvs
from pvs_bridge.config import ON
from pvs_bridge.pvs.errors import POWER_CYCLE, DamagedError
from pvs_bridge.pvs.firmware import (
    OPEN_VARIABLES,
    SUPERVISOR_INFO,
    Identity,
    from_open_variables,
    from_state,
    from_supervisor_info,
    to_state,
)
from pvs_bridge.pvs.variables import read_variables

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"

OPEN, CLOSED, REFUSED = "open", "closed", "refused"
"""The PVS answers DeviceList; it refuses it and has /vars; it refuses it and does not have /vars.
Some builds refuse until a power cycle, so the build does not decide."""


class Detection:
    """Finds what the PVS is and answers, and keeps it over a restart of the Pi."""

    def __init__(
        self, pvs: Pvs, mode: str, state_file: Path, has_new_api: Callable[[], Awaitable[bool]]
    ) -> None:
        """Start with what is stored.

        Args:
            pvs: The client of the PVS.
            mode: AUTO or ON.
            state_file: Where it is stored.
            has_new_api: Returns whether the PVS has /auth and /vars.
        """
        self._pvs = pvs
        self.mode = mode
        self._state_file = state_file
        self._has_new_api = has_new_api
        self.identity, self.access = _stored(state_file)

    @property
    def translating(self) -> bool:
        """Whether the compat service answers the old API."""
        return self.mode == ON or self.access == CLOSED

    @property
    def reason(self) -> str:
        """A sentence that says why the service does, or does not, answer."""
        if self.mode == ON:
            return "compat_mode is on."
        build = f"The PVS (build {(self.identity and self.identity.build) or 'unknown'})"
        return {
            OPEN: f"{build} answers the old API itself.",
            CLOSED: f"{build} has closed the device list.",
            REFUSED: f"{build} refuses the device list, and does not have /vars. Hint: "
            f"{POWER_CYCLE}.",
        }.get(self.access or "", "It is not known yet whether the PVS answers the device list.")

    async def known(self) -> Identity:
        """Return the identity of the PVS; ask the PVS if it is unknown.

        Raises:
            PvsError: The PVS does not identify itself.
        """
        return self.identity or await self._identify()

    async def probe(self, *, refused: bool = False) -> None:
        """Find what the PVS is, with one request or two, and whether it answers DeviceList.

        DeviceList takes an open PVS seconds, so an open PVS is asked for it only once; its next
        refusal shows that it has closed the list.

        Args:
            refused: Whether the PVS has just refused DeviceList.

        Raises:
            PvsError: The PVS does not answer.
        """
        before = self.identity
        identity = await self._identify()
        if self.mode == ON or (self.access == OPEN and identity == before and not refused):
            return
        access = await self._find_access(refused=refused)
        if access != self.access:
            self.access = access
            print(self.reason, file=sys.stderr, flush=True)
            self._store()

    async def _find_access(self, *, refused: bool) -> str:
        if not refused:
            reply = await self._pvs.get(DEVICE_LIST)
            if reply.status == 200:
                return OPEN
            if reply.status != 403:
                raise DamagedError(f"the status of DeviceList is {reply.status}")
        return CLOSED if await self._has_new_api() else REFUSED

    async def _identify(self) -> Identity:
        identity = await self._ask()
        if identity != self.identity:
            # Without the serial number, because its end is the password.
            print(f"PVS: {identity.model}, build {identity.build}", file=sys.stderr, flush=True)
            self.identity = identity
            self._store()
        return identity

    async def _ask(self) -> Identity:
        reply = await self._pvs.get(SUPERVISOR_INFO)
        first = from_supervisor_info(reply.body) if reply.status == 200 else None
        if first is not None and first.build is not None:
            return first
        reply = await self._pvs.get(f"/vars?name={','.join(OPEN_VARIABLES)}")
        second = from_open_variables(read_variables(reply.body)) if reply.status == 200 else None
        identity = second or first
        if identity is None:
            raise DamagedError("it does not identify the PVS")
        return identity

    def _store(self) -> None:
        identity = to_state(self.identity) if self.identity else {}
        try:
            # Private, because the end of the serial number is the password.
            content = json.dumps({**identity, "access": self.access}).encode()
            atomic.write(self._state_file, content, 0o600)
        except OSError as error:
            # The next start asks the PVS.
            print(f"{self._state_file}: {error.strerror}", file=sys.stderr, flush=True)


def _stored(state_file: Path) -> tuple[Identity | None, str | None]:
    try:
        state: Any = json.loads(state_file.read_bytes().decode())
    except (OSError, ValueError, RecursionError):
        return None, None
    if not isinstance(state, dict):
        return None, None
    access = state.get("access")
    return from_state(state), access if access in (OPEN, CLOSED, REFUSED) else None
