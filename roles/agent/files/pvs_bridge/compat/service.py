"""The compat service: an HTTP server on a Unix socket for haproxy."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from pvs_bridge.compat.answers import Answer, Answers, body, refusal_body
from pvs_bridge.compat.backoff import Backoff
from pvs_bridge.compat.certificate import Certificate
from pvs_bridge.compat.clients import Clients
from pvs_bridge.compat.detection import Detection
from pvs_bridge.compat.haproxy_stats import POLL_SECONDS, Counters, poll
from pvs_bridge.compat.listening import listening, remove
from pvs_bridge.compat.live_data import LiveData
from pvs_bridge.compat.new_api import NewApi
from pvs_bridge.compat.old_api import OldApi
from pvs_bridge.compat.pvs import Pvs
from pvs_bridge.compat.session import Session
from pvs_bridge.compat.single_flight import Served
from pvs_bridge.compat.telemetry import Telemetry
from pvs_bridge.compat.variables import Variables
from pvs_bridge.config import CompatConfig
from pvs_bridge.pvs.errors import (
    OldFirmwareError,
    PvsError,
    RefusedError,
    SilentError,
    UntranslatableError,
)

CGI = "/cgi-bin/dl_cgi"
DEVICE_LIST_HEADER = "X-Device-List"
_FIRST_PROBE_SECONDS = 2.0
_LONGEST_PROBE_SECONDS = 60.0
_PASSWORD_LENGTH = 5


class Service:
    """The service, inside a running event loop."""

    def __init__(self, config: CompatConfig) -> None:
        """Create the service; start() makes it listen."""
        self._config = config
        self._certificate = Certificate(Path(config.state_file).with_name("certificate"))
        self._pvs = Pvs(
            config.pvs_url, config.pvs_socket, config.timeout_seconds, self._certificate
        )
        self.detection = Detection(
            self._pvs, config.mode, Path(config.state_file), self._has_new_api
        )
        self._session = Session(self._pvs, self._password)
        self._new_api = NewApi(config, self._session)
        self._old_api = OldApi(config, self._pvs)
        self.answers = Answers(config, self._pvs, self._session, self.detection, self._new_api)
        variables = Variables(self.detection, self._session, self._new_api, self._old_api)
        self._clients = Clients(variables, self._password, secrets=config.secrets)
        telemetry = Telemetry(
            self._session, self._new_api, variables.has_new_api, enabled=config.live_data_enabled
        )
        self._live_data = LiveData(config, telemetry)
        self._probes = Backoff(_FIRST_PROBE_SECONDS, _LONGEST_PROBE_SECONDS)
        self._probe_due = True
        self._refused = False
        self._device_list: int | None = None
        self._before: Counters | None = None
        self._error: PvsError | None = None
        self._runner = web.AppRunner(self._app(), access_log=None)
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, and start to poll haproxy's counters.

        Raises:
            OSError: The socket cannot be created.
        """
        await self._runner.setup()
        await web.SockSite(self._runner, listening(self._config.listen_socket)).start()
        await self._live_data.start()
        self._polling = asyncio.ensure_future(self._poll())

    async def stop(self) -> None:
        """Stop listening, and cancel all tasks."""
        if self._polling is not None:
            self._polling.cancel()
            # asyncio.wait, because awaiting the task would swallow a cancellation of stop().
            await asyncio.wait({self._polling})
        # While the connection to the PVS is there.
        await self._live_data.close()
        await self._runner.cleanup()
        for each in (self.answers, self._new_api, self._old_api):
            await each.close()
        await self._pvs.close()
        remove(self._config.listen_socket)

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/auth", self._client)
        app.router.add_get("/vars", self._client)
        app.router.add_post("/vars", self._client)
        app.router.add_get(CGI, self._command)
        app.router.add_get(CGI + "/{path:.*}", self._path)
        return app

    async def _password(self) -> str:
        if self._config.password:
            return self._config.password
        return (await self.detection.known()).serial[-_PASSWORD_LENGTH:]

    async def _has_new_api(self) -> bool:
        """Read the plant, for the first client too; a PVS that refuses the password has the API.

        Raises:
            SilentError: The PVS does not answer.
        """
        with contextlib.suppress(PvsError):
            await self.answers.plant()
        error = self._new_api.error
        if isinstance(error, SilentError):
            raise error
        return not isinstance(error, OldFirmwareError)

    # Requests from haproxy

    async def _ready(self, request: web.Request) -> web.Response:
        """Answer haproxy's health check: 200 while the service answers the old API."""
        status = request.headers.get(DEVICE_LIST_HEADER, "")
        if status.isdecimal():
            self._device_list = int(status)
        identity = self.detection.identity
        error = self._new_api.error
        return _json(
            200 if self.detection.translating else 503,
            body(
                {
                    "translating": self.detection.translating,
                    "reason": self.detection.reason,
                    "model": identity.model if identity else None,
                    "build": identity.build if identity else None,
                    "error": error.issue.problem if error else None,
                    "certificate_changed": self._certificate.changed,
                }
            ),
        )

    async def _command(self, request: web.Request) -> web.Response:
        return await self._answer(self.answers.commands, request.query.get("Command", ""))

    async def _path(self, request: web.Request) -> web.Response:
        return await self._answer(self.answers.paths, request.match_info["path"])

    async def _client(self, request: web.Request) -> web.Response:
        """Answer a program for the new API."""
        try:
            reply = await self._clients.answer(request)
        except PvsError as error:
            return _refusal(error)
        response = _success(reply.served, certificate_changed=self._certificate.changed)
        if reply.cookie:
            # haproxy adds what a connection by HTTPS needs.
            response.headers["Set-Cookie"] = f"session={reply.cookie}; Path=/; HttpOnly"
        return response

    async def _answer(self, known: Mapping[str, Answer], name: str) -> web.Response:
        try:
            if name not in known:
                raise UntranslatableError
            served = await known[name]()
        except PvsError as error:
            return _refusal(error)
        return _success(served, certificate_changed=self._certificate.changed)

    # haproxy's counters

    async def _poll(self) -> None:
        while True:
            await self._check_counters()
            self._check_error()
            if self._probe_due and self._probes.left_seconds == 0:
                self._probes.spend()
                await self._probe()
            await self._live_data.rest()
            await asyncio.sleep(POLL_SECONDS)

    async def _check_counters(self) -> None:
        """Probe the PVS if haproxy's counters show that its firmware may have changed."""
        if not self._config.stats_socket:
            return
        counters = await poll(self._config.stats_socket)
        if counters is None:
            return
        counters = replace(counters, device_list=self._device_list)
        before, self._before = self._before, counters
        if before is None:
            return
        if counters.restarted_after(before):
            self._session.forget()
            self._new_api.forget()
            self._old_api.forget()
            self._refused = False
            self._probes.reset()
            self._probe_due = True
        # While the service answers, a refusal only means the end of a session.
        elif counters.refused_after(before) and not self.detection.translating:
            self._refused = self._probe_due = True

    def _check_error(self) -> None:
        """Probe the PVS after a failed reading, which clients with a stale reading do not see."""
        before, self._error = self._error, self._new_api.error
        if self._error is not before and isinstance(self._error, (OldFirmwareError, RefusedError)):
            self._probe_due = True

    async def _probe(self) -> None:
        known = self.detection.identity, self.detection.access
        try:
            await self.detection.probe(refused=self._refused)
        except PvsError as error:
            print(f"PVS: {error.issue.problem}", file=sys.stderr, flush=True)
            return
        self._refused = self._probe_due = False
        if (self.detection.identity, self.detection.access) != known:
            self._probes.reset()


def _success(served: Served[bytes], *, certificate_changed: bool) -> web.Response:
    response = _json(200, served.value)
    response.headers["Age"] = str(int(served.age_seconds))
    warnings = ['110 pvs-bridge "Response is Stale"'] if served.stale else []
    if certificate_changed:
        warnings.append('299 pvs-bridge "Certificate Changed"')
    if warnings:
        response.headers["Warning"] = ", ".join(warnings)
    return response


def _refusal(error: PvsError) -> web.Response:
    response = _json(error.status, refusal_body(error))
    if error.retry_seconds > 0:
        response.headers["Retry-After"] = str(error.retry_seconds)
    return response


def _json(status: int, text: bytes) -> web.Response:
    headers = {"Content-Type": "application/json", "Server": "pvs-bridge-compat"}
    return web.Response(status=status, body=text, headers=headers)
