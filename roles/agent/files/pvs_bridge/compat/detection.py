"""Model, serial number and firmware of the PVS."""

from __future__ import annotations

import sys
from pathlib import Path

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


class Detection:
    """Finds the identity of the PVS, and keeps it over a restart of the Pi."""

    def __init__(self, pvs: Pvs, mode: str, state_file: Path) -> None:
        """Start with the stored identity."""
        self._pvs = pvs
        self._mode = mode
        self._state_file = state_file
        self.identity: Identity | None = _stored(state_file)

    @property
    def translating(self) -> bool:
        """Whether the compat service answers the old API."""
        return self._mode == ON or (self.identity is not None and self.identity.locked)

    @property
    def reason(self) -> str:
        """A sentence that says why the service does, or does not, answer."""
        identity = self.identity
        if self._mode == ON:
            return "compat_mode is on."
        if identity is None:
            return "The firmware of the PVS is not known yet."
        build = f"The firmware (build {identity.build or 'unknown'})"
        if identity.locked:
            return f"{build} has closed the device list."
        if identity.refuses_at_random:
            return (
                f"{build} has not closed the device list, but refuses requests at random. Hint: "
                f"{POWER_CYCLE}."
            )
        return f"{build} answers the old API itself."

    async def known(self) -> Identity:
        """Return the identity of the PVS; ask the PVS if it is unknown.

        Raises:
            PvsError: The PVS does not identify itself.
        """
        return self.identity or await self.probe()

    async def probe(self) -> Identity:
        """Ask the PVS for its identity, with one request, or two if the first lacks the build.

        Raises:
            PvsError: The PVS does not identify itself.
        """
        identity = await self._ask()
        if identity != self.identity:
            # Without the serial number, because its end is the password.
            print(f"PVS: {identity.model}, build {identity.build}", file=sys.stderr, flush=True)
            self.identity = identity
            self._store(identity)
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

    def _store(self, identity: Identity) -> None:
        try:
            # Private, because the end of the serial number is the password.
            atomic.write(self._state_file, to_state(identity), 0o600)
        except OSError as error:
            # The next start asks the PVS.
            print(f"{self._state_file}: {error.strerror}", file=sys.stderr, flush=True)


def _stored(state_file: Path) -> Identity | None:
    try:
        return from_state(state_file.read_bytes())
    except OSError:
        return None
