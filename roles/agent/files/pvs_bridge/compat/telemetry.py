"""The PVS's switch for live data, which newer firmware has, and which is off after a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pvs_bridge.compat.new_api import NewApi
from pvs_bridge.compat.session import Session
from pvs_bridge.pvs.errors import DamagedError
from pvs_bridge.pvs.variables import texts

VARIABLE = "/sys/telemetryws/enable"


class Telemetry:
    """Switches live data on and off, if the owner allows it."""

    def __init__(
        self,
        session: Session,
        new_api: NewApi,
        has_new_api: Callable[[], Awaitable[bool]],
        *,
        enabled: bool,
    ) -> None:
        """Prepare.

        Args:
            session: Reads and sets the variable.
            new_api: Knows whether there is such a variable.
            has_new_api: Returns whether the PVS has variables.
            enabled: Whether the switch may be used.
        """
        self._session = session
        self._new_api = new_api
        self._has_new_api = has_new_api
        self._enabled = enabled

    async def switch(self, *, on: bool) -> None:
        """Switch live data on or off, unless they are so already.

        Raises:
            PvsError: The PVS does not answer, or refuses.
        """
        if not self._enabled or not await self._has_new_api():
            return
        # A PVS hangs on the name of a variable that it lacks.
        if VARIABLE not in (await self._new_api.current(lambda _: False)).table:
            return
        # Not from that reading, because the PVS may have restarted since.
        wanted = "1" if on else "0"
        if texts(await self._session.read(f"name={VARIABLE}")).get(VARIABLE) == wanted:
            return
        reply = await self._session.set(f"{VARIABLE}={wanted}")
        if reply.status != 200:
            raise DamagedError(f"the status of setting {VARIABLE} is {reply.status}")
