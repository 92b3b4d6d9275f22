"""The variables of any PVS: read, or made from the answers of the old API."""

from __future__ import annotations

from pvs_bridge.compat.detection import CLOSED, Detection
from pvs_bridge.compat.new_api import NewApi
from pvs_bridge.compat.old_api import OldApi
from pvs_bridge.compat.pvs import Reply
from pvs_bridge.compat.query import Query, Table
from pvs_bridge.compat.session import Session
from pvs_bridge.compat.single_flight import Served
from pvs_bridge.config import ON
from pvs_bridge.pvs.errors import ListRefusedError, OldFirmwareError, QueryError


class Variables:
    """Takes the variables from the API that the PVS has."""

    def __init__(
        self, detection: Detection, session: Session, new_api: NewApi, old_api: OldApi
    ) -> None:
        """Prepare."""
        self._detection = detection
        self._session = session
        self._new_api = new_api
        self._old_api = old_api

    async def answer(self, query: Query, *, trusted: bool) -> Served[Table]:
        """Return the variables of a query, none if there are none.

        Args:
            query: What is asked for.
            trusted: Whether the PVS may be asked for what was not read yet.

        Raises:
            PvsError: There are none now.
        """
        reads = await self.has_new_api()
        if reads:
            try:
                return await self._new_api.answer(query, trusted=trusted)
            except OldFirmwareError:
                if self._detection.mode == ON:
                    raise
        try:
            return await self._old_api.answer(query)
        except ListRefusedError:
            if reads:
                raise
        # An update may have closed the list, and is not detected yet.
        try:
            return await self._new_api.answer(query, trusted=trusted)
        except OldFirmwareError:
            raise ListRefusedError from None

    async def set(self, assignment: str) -> Reply:
        """Set a variable, such as NAME=VALUE, and have everything read again.

        Raises:
            PvsError: The PVS has no variables, does not answer, or refuses the login.
        """
        if not await self.has_new_api():
            raise QueryError("the PVS's firmware has no variables to set")
        try:
            return await self._session.set(assignment)
        finally:
            self._new_api.renew()

    async def has_new_api(self) -> bool:
        """Return whether to read; some builds have both APIs, and the new one tells more.

        Raises:
            PvsError: The PVS is not known yet, and does not answer.
        """
        if self._detection.mode == ON or self._detection.access == CLOSED:
            return True
        return (await self._detection.known()).has_new_api
