"""Read /vars with as few logins as possible."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from pvs_bridge.compat.backoff import Backoff
from pvs_bridge.compat.pvs import Pvs, Reply
from pvs_bridge.pvs.errors import (
    DamagedError,
    OldFirmwareError,
    RefusedError,
    ShutOutError,
    SilentError,
)
from pvs_bridge.pvs.variables import OPEN_PREFIX, read_values

USER = "ssm_owner"
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0
AFTER_500_SECONDS = 3.0
"""haproxy sends no request for 2 seconds after a 500, which the PVS returns for an old session."""

_LOG_IN_AGAIN = (400, 401, 403, 500)


class Session:
    """The owner's session on the PVS."""

    def __init__(
        self, pvs: Pvs, password: Callable[[], Awaitable[str]], backoff: Backoff | None = None
    ) -> None:
        """Create the session; the first reading logs in. Needs a running event loop.

        Args:
            pvs: The client of the PVS.
            password: Returns the owner's password; may ask the PVS for its serial number.
            backoff: The pause between failed logins.
        """
        self._pvs = pvs
        self._password = password
        self._backoff = backoff or Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._token: str | None = None
        self._refused = False
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        """Forget the token, because a restart of the PVS ends the session."""
        self._token = None

    async def read(self, query: str, *, optional: bool = False) -> dict[str, object]:
        """Read variables, with their values as the PVS writes them.

        Args:
            query: Which ones, such as match=/sys/.
            optional: Whether a working PVS may have no such variable.

        Raises:
            PvsError: They cannot be read.
        """
        async with self._lock:
            if self._token is not None:
                variables = await self._read(query, optional=optional)
                if variables is not None:
                    return variables
            await self._log_in()
            variables = await self._read(query, optional=optional, public=optional)
            if variables is None:
                raise ShutOutError(self._pause_seconds())
            return variables

    async def read_openly(self, query: str) -> dict[str, object]:
        """Read variables that a PVS has for everybody, without a login.

        Raises:
            PvsError: They cannot be read.
        """
        reply = await self._pvs.get(f"/vars?{query}")
        if reply.status != 200:
            raise DamagedError(f"its status is {reply.status}")
        return read_values(reply.body)

    async def set(self, assignment: str) -> Reply:
        """Set a variable, such as NAME=VALUE; log in again if the session has ended.

        Raises:
            PvsError: The PVS does not answer, or refuses the login.
        """
        async with self._lock:
            if self._token is None:
                await self._log_in()
            reply = await self._set(assignment)
            if reply.status in (401, 403):
                # It was refused, so that it is not set twice.
                await self._log_in()
                reply = await self._set(assignment)
            return reply

    async def get(self, target: str) -> Reply:
        """Request a target with the session of the last reading, without a new login.

        Raises:
            PvsError: The PVS does not answer.
        """
        async with self._lock:
            return await self._pvs.get(target, {"Cookie": f"session={self._token}"})

    async def _set(self, assignment: str) -> Reply:
        headers = {"Cookie": f"session={self._token}"}
        return await self._pvs.get(f"/vars?set={assignment}", headers)

    async def _read(
        self, query: str, *, optional: bool, public: bool = False
    ) -> dict[str, object] | None:
        """Read; return None if a login is needed.

        Args:
            query: Which ones.
            optional: Whether there may be none.
            public: Whether there may be none but public ones.
        """
        # Not by a named cache on the PVS: it holds the devices of its first use, which after a
        # restart are not all.
        headers = {"Cookie": f"session={self._token}"}
        reply = await self._pvs.get(f"/vars?{query}", headers)
        if optional and reply.status == 400:
            return {}
        if reply.status == 404:
            raise OldFirmwareError
        # After the end of a session, the PVS may also send nothing, or only public variables.
        ended = reply.status in _LOG_IN_AGAIN or not reply.body.strip()
        if not ended and reply.status != 200:
            raise DamagedError(f"its status is {reply.status}")
        variables = {} if ended else read_values(reply.body)
        public = public and bool(variables)
        if not public and all(name.startswith(OPEN_PREFIX) for name in variables):
            self.forget()
            if reply.status == 500:
                await asyncio.sleep(AFTER_500_SECONDS)
            return None
        self._backoff.reset()
        return variables

    async def _log_in(self) -> None:
        if self._backoff.left_seconds > 0:
            pause = self._pause_seconds()
            raise RefusedError(pause) if self._refused else ShutOutError(pause)
        password = await self._password()
        credentials = base64.b64encode(f"{USER}:{password}".encode()).decode()
        # The vendor's own library writes "basic" in lower case.
        reply = await self._pvs.get("/auth?login", {"Authorization": f"basic {credentials}"})
        if reply.status == 404:
            raise OldFirmwareError
        self._backoff.spend()
        self._refused = reply.status in (401, 403)
        if self._refused:
            raise RefusedError(self._pause_seconds())
        if reply.status == 500:
            raise SilentError
        self._token = _token(reply)

    def _pause_seconds(self) -> int:
        return max(1, round(self._backoff.left_seconds))


def _token(reply: Reply) -> str:
    try:
        answer: Any = json.loads(reply.body.decode())
    except (ValueError, RecursionError):
        answer = None
    token = answer.get("session") if isinstance(answer, dict) else None
    if reply.status != 200 or not isinstance(token, str):
        raise DamagedError("it has no session")
    # The token becomes part of a header.
    if re.fullmatch(r"[A-Za-z0-9_.~+/=-]{1,512}", token) is None:
        raise DamagedError("it has no session")
    return token
