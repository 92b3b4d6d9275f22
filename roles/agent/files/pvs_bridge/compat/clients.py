"""Programs for the new API: their logins, and their requests of /vars."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from pvs_bridge.compat.logins import Logins, is_owner
from pvs_bridge.compat.query import PUBLIC, NamedQueries, Query, formatted, parse
from pvs_bridge.compat.session import USER
from pvs_bridge.compat.single_flight import Served
from pvs_bridge.compat.variables import Variables
from pvs_bridge.pvs.errors import LoginError, QueryError, TooManyLoginsError
from pvs_bridge.pvs.variables import OPEN_PREFIX

WRONG_SECONDS = 1.0
"""How long a wrong password takes, one after the other. The password has five characters."""

_MOST_WRONG = 32
"""So many requests with a wrong password wait; then no password is judged."""

ACCESS_HEADER = "X-Pvs-Bridge-Access"
"""haproxy tells here what proxy_users means for a request."""

NAMED, CLOSED = "named", "closed"
"""The request has a name and password of proxy_users; it needs them, or a session."""


@dataclass(frozen=True)
class Reply:
    """An answer, and the session that it opens; empty: none."""

    served: Served[bytes]
    cookie: str = ""


class Clients:
    """Judges and answers the requests."""

    def __init__(
        self,
        variables: Variables,
        password: Callable[[], Awaitable[str]],
        *,
        secrets: bool,
    ) -> None:
        """Prepare.

        Args:
            variables: The source of the answers.
            password: Returns the owner's password.
            secrets: Whether all variables of /sys/info/ are readable without a login.
        """
        self._variables = variables
        self._password = password
        self._secrets = secrets
        self._logins = Logins()
        self._named = NamedQueries()
        self._wrong = asyncio.Lock()
        self._waiting = 0

    async def answer(self, request: web.Request) -> Reply:
        """Answer a request of /auth or /vars, whose spelling haproxy has checked.

        Raises:
            PvsError: It is refused, or there is no answer now.
        """
        cookie = request.headers.get("Cookie", "")
        if request.path == "/auth":
            if request.query_string == "logout":
                self._logins.close(cookie)
                return Reply(_told({"session": ""}))
            return await self._log_in(request)
        text = (
            await request.text() if request.method == "POST" else request.rel_url.raw_query_string
        )
        access = request.headers.get(ACCESS_HEADER, "")
        trusted = access == NAMED or self._logins.is_open(cookie)
        try:
            query = parse(text)
        except QueryError:
            if trusted:
                raise
            query = Query()  # which is not public
        return Reply(await self._answer(query, trusted=trusted, public=access != CLOSED))

    async def _log_in(self, request: web.Request) -> Reply:
        named = request.headers.get(ACCESS_HEADER, "") == NAMED
        if not named:
            given = request.headers.get("Authorization", "")
            # To answer only the right one at once would tell which one is right.
            if given and self._waiting >= _MOST_WRONG:
                raise TooManyLoginsError
            if not is_owner(given, await self._password()):
                if given:
                    await self._wait()
                raise LoginError(
                    "The user or the password is wrong.",
                    f"The user is {USER}. The password is the last five characters of the serial "
                    "number of the PVS, not of the Pi, unless it was changed: then set "
                    "compat_password. A user of proxy_users can log in too.",
                )
        token = self._logins.open()
        return Reply(_told({"session": token}), token)

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            async with self._wrong:
                await asyncio.sleep(WRONG_SECONDS)
        finally:
            self._waiting -= 1

    async def _answer(self, query: Query, *, trusted: bool, public: bool) -> Served[bytes]:
        if not trusted and not (public and self._is_public(query)):
            raise LoginError(
                "Only variables on a list can be read without a login.",
                "Log in on this port (/auth?login), or read variables such as /sys/info/model by "
                "name. proxy_secrets_enabled removes this check.",
            )
        if query.assignment:
            return await self._set(query)
        query = self._named.resolved(query)
        served = await self._variables.answer(query, trusted=trusted)
        if not trusted and not all(name.startswith(OPEN_PREFIX) for name in served.value):
            raise LoginError(
                "These variables can be read after a login only.",
                "Log in on this port (/auth?login).",
            )
        if not served.value:
            raise QueryError("the PVS has no such variables")
        return Served(formatted(served.value, query), served.age_seconds, served.stale)

    def _is_public(self, query: Query) -> bool:
        """Return whether a query needs no login, by its form."""
        if not self._secrets:
            return query.only_names and PUBLIC.issuperset(query.names)
        plain = Query(query.names, query.match, as_object=query.as_object)
        return query == plain and all(name.startswith(OPEN_PREFIX) for name in query.names)

    async def _set(self, query: Query) -> Served[bytes]:
        if query != Query(assignment=query.assignment, as_object=query.as_object):
            raise QueryError("a request that sets a variable must not read others")
        reply = await self._variables.set(query.assignment)
        if reply.status != 200:
            raise QueryError(f"the PVS refuses to set it, with status {reply.status}")
        return Served(reply.body, 0.0, stale=False)


def _told(answer: dict[str, str]) -> Served[bytes]:
    return Served(json.dumps(answer).encode(), 0.0, stale=False)
