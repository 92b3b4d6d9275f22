"""The service: HTTP on a Unix socket for haproxy, and a look at haproxy's counters."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from pvs_bridge.compat.answers import Answer, Answers, body
from pvs_bridge.compat.backoff import Backoff
from pvs_bridge.compat.detection import Detection
from pvs_bridge.compat.haproxy_stats import WATCH_SECONDS, Counters, look
from pvs_bridge.compat.pvs import Pvs
from pvs_bridge.compat.session import Session
from pvs_bridge.compat.single_flight import Served
from pvs_bridge.config import CompatConfig
from pvs_bridge.pvs.errors import OldFirmwareError, PvsError, RefusedError, UntranslatableError

CGI = "/cgi-bin/dl_cgi"
_FIRST_PROBE_SECONDS = 2.0
_LONGEST_PROBE_SECONDS = 60.0
_PASSWORD_LENGTH = 5


class Service:
    """The whole service, inside a running event loop."""

    def __init__(self, config: CompatConfig) -> None:
        """Build it; start() makes it listen."""
        self._config = config
        self._pvs = Pvs(config.pvs_url, config.pvs_socket, config.timeout_seconds)
        self.detection = Detection(self._pvs, config.mode, Path(config.state_file))
        self._session = Session(self._pvs, self._password)
        self.answers = Answers(config, self._pvs, self._session, self.detection)
        self._probes = Backoff(_FIRST_PROBE_SECONDS, _LONGEST_PROBE_SECONDS)
        self._probe_due = True
        self._before: Counters | None = None
        self._error: PvsError | None = None
        self._runner = web.AppRunner(self._app(), access_log=None)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, and begin to watch.

        Raises:
            OSError: The socket cannot be made.
        """
        await self._runner.setup()
        await web.SockSite(self._runner, _listening(self._config.listen_socket)).start()
        self._watching = asyncio.ensure_future(self._watch())

    async def stop(self) -> None:
        """End everything."""
        if self._watching is not None:
            self._watching.cancel()
            # Not awaited itself: that would swallow a cancellation of stop().
            await asyncio.wait({self._watching})
        await self._runner.cleanup()
        await self.answers.close()
        await self._pvs.close()
        with contextlib.suppress(FileNotFoundError):
            Path(self._config.listen_socket).unlink()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ready", self._ready)
        app.router.add_get(CGI, self._command)
        app.router.add_get(CGI + "/{path:.*}", self._path)
        return app

    async def _password(self) -> str:
        if self._config.password:
            return self._config.password
        return (await self.detection.known()).serial[-_PASSWORD_LENGTH:]

    # What haproxy asks

    async def _ready(self, _request: web.Request) -> web.Response:
        """Answer haproxy's check: 200 while the older API is answered here."""
        identity = self.detection.identity
        error = self.answers.plant.error
        return _json(
            200 if self.detection.translating else 503,
            body(
                {
                    "translating": self.detection.translating,
                    "reason": self.detection.reason,
                    "model": identity.model if identity else None,
                    "build": identity.build if identity else None,
                    "error": error.issue.problem if error else None,
                }
            ),
        )

    async def _command(self, request: web.Request) -> web.Response:
        return await self._answer(self.answers.commands, request.query.get("Command", ""))

    async def _path(self, request: web.Request) -> web.Response:
        return await self._answer(self.answers.paths, request.match_info["path"])

    async def _answer(self, known: Mapping[str, Answer], name: str) -> web.Response:
        try:
            if name not in known:
                raise UntranslatableError
            served = await known[name]()
        except PvsError as error:
            return _refusal(error)
        return _good(served)

    # What haproxy tells

    async def _watch(self) -> None:
        while True:
            await self._look()
            self._doubt()
            if self._probe_due and self._probes.left_seconds == 0:
                self._probes.spend()
                await self._probe()
            await asyncio.sleep(WATCH_SECONDS)

    async def _look(self) -> None:
        """See from haproxy's counters whether the PVS may be another than it was."""
        if not self._config.stats_socket:
            return
        counters = await look(self._config.stats_socket)
        if counters is None:
            return
        before, self._before = self._before, counters
        if before is None:
            return
        if counters.restarted_after(before):
            self._session.forget()
            self._probes.reset()
            self._probe_due = True
        # While it is translated, a refusal is the end of a session.
        elif counters.refused_after(before) and not self.detection.translating:
            self._probe_due = True

    def _doubt(self) -> None:
        """See it from a reading that has failed; who is served an older one hears nothing of it."""
        before, self._error = self._error, self.answers.plant.error
        if self._error is not before and isinstance(self._error, (OldFirmwareError, RefusedError)):
            self._probe_due = True

    async def _probe(self) -> None:
        known = self.detection.identity
        try:
            found = await self.detection.probe()
        except PvsError as error:
            print(f"PVS: {error.issue.problem}", file=sys.stderr, flush=True)
            return
        self._probe_due = False
        if found != known:
            self._probes.reset()


def _listening(path: str) -> socket.socket:
    """Make the socket; one that a crash has left behind is in the way."""
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
    listening = socket.socket(socket.AF_UNIX)
    # The group is haproxy's, by the unit.
    before = os.umask(0o117)
    try:
        listening.bind(path)
    except OSError as error:
        listening.close()
        # The error itself does not say of which file.
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.umask(before)
    return listening


def _good(served: Served[bytes]) -> web.Response:
    response = _json(200, served.value)
    response.headers["Age"] = str(int(served.age_seconds))
    if served.stale:
        response.headers["Warning"] = '110 pvs-bridge "Response is Stale"'
    return response


def _refusal(error: PvsError) -> web.Response:
    said = {"result": "error", "error": error.issue.problem, "hint": error.issue.hint}
    response = _json(error.status, body(said))
    if error.retry_seconds > 0:
        response.headers["Retry-After"] = str(error.retry_seconds)
    return response


def _json(status: int, text: bytes) -> web.Response:
    headers = {"Content-Type": "application/json", "Server": "pvs-bridge-compat"}
    return web.Response(status=status, body=text, headers=headers)
