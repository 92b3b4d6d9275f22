"""What the service knows about its PVS, and how it learns that this has changed."""

from __future__ import annotations

import sys
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.compat.pvs import Pvs
from pvs_bridge.config import ON
from pvs_bridge.pvs.errors import DamagedError
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
    """Model, serial number and firmware of the PVS, kept over a restart of the Pi."""

    def __init__(self, pvs: Pvs, mode: str, state_file: Path) -> None:
        """Begin with what was known last."""
        self._pvs = pvs
        self._mode = mode
        self._state_file = state_file
        self.identity: Identity | None = _remembered(state_file)

    @property
    def translating(self) -> bool:
        """Whether the older API is to be answered from here."""
        return self._mode == ON or (self.identity is not None and self.identity.locked)

    @property
    def reason(self) -> str:
        """Why it is, or is not, in a sentence."""
        identity = self.identity
        if self._mode == ON:
            return "compat_mode is on."
        if identity is None:
            return "The PVS has not said yet which firmware it has."
        build = f"The firmware (build {identity.build or 'unknown'})"
        if identity.locked:
            return f"{build} has closed the device list."
        if identity.refuses_at_random:
            return (
                f"{build} has not closed the device list, but refuses at random: "
                "switching the PVS's breaker off for one minute ends that."
            )
        return f"{build} answers the older API itself."

    async def known(self) -> Identity:
        """Return which PVS it is, and ask it if that is not known.

        Raises:
            PvsError: It is not known, and the PVS does not tell.
        """
        return self.identity or await self.probe()

    async def probe(self) -> Identity:
        """Ask the PVS which one it is: one quick request, two where the first tells too little.

        Raises:
            PvsError: The PVS does not tell.
        """
        identity = await self._ask()
        if identity != self.identity:
            # Without the serial number, which gives the password.
            print(f"PVS: {identity.model}, build {identity.build}", file=sys.stderr, flush=True)
            self.identity = identity
            self._remember(identity)
        return identity

    async def _ask(self) -> Identity:
        reply = await self._pvs.get(SUPERVISOR_INFO)
        told = from_supervisor_info(reply.body) if reply.status == 200 else None
        if told is not None and told.build is not None:
            return told
        reply = await self._pvs.get(f"/vars?name={','.join(OPEN_VARIABLES)}")
        shown = from_open_variables(read_variables(reply.body)) if reply.status == 200 else None
        identity = shown or told
        if identity is None:
            raise DamagedError("it does not say which PVS it is")
        return identity

    def _remember(self, identity: Identity) -> None:
        try:
            # Readable by the service alone: the serial number gives the password.
            atomic.write(self._state_file, to_state(identity), 0o600)
        except OSError as error:
            # The next start asks the PVS.
            print(f"{self._state_file}: {error.strerror}", file=sys.stderr, flush=True)


def _remembered(state_file: Path) -> Identity | None:
    try:
        return from_state(state_file.read_bytes())
    except OSError:
        return None
