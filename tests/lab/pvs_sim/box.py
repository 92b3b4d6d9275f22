"""The simulated PVS itself: everything behind the sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .clock import SimClock
from .commands import POSTED_DEVICES, SESSION_PATHS, Call, Command
from .console import error_page, static_page, unavailable
from .counters import Counters, Write
from .devices import Moment
from .faults import Faults
from .firmware import DEFAULT_BUILDS, Firmware
from .latency import cgi_seconds, devices_list_seconds, varserver_seconds
from .options import OptionError, Options
from .plant import Plant, Reading
from .query import value_of, values_of
from .restart import Phases, Power
from .sessions import Sessions, credentials_fit, token_of
from .spread import spread, spread_between
from .state import State, serial_for
from .sun import DAY, Site
from .target import Target, identify
from .varserver import OPEN_PREFIX, TELEMETRY, View, livedata, odd, tagged, variables, writable
from .wire import Request, Response

_JSON = ("Content-Type", "application/json")


class ChangeHttps(Protocol):
    """Opens or closes the port of HTTPS, with the old or another certificate."""

    def __call__(self, *, on: bool, renew: bool) -> None:
        """Do so for new connections."""


def _no_https(*, on: bool, renew: bool) -> None:
    """Do nothing, without a port of HTTPS."""


class NeverAnsweredError(Exception):
    """The PVS has read the request and will not answer it."""


class InterruptedRequestError(Exception):
    """The PVS went down while it worked on the request."""


class Box:
    """One simulated PVS: plant, clock, state, sessions, weaknesses and counters."""

    def __init__(self, options: Options) -> None:
        """Build it as the options say; nothing listens yet."""
        self.options = options
        self.settings = options.settings
        self.clock = SimClock(options.clock, options.clock_scale)
        site = self._site()
        modules = options.battery_modules if options.battery else 0
        self.plant = Plant(site, options.panels, battery_modules=modules)
        self.counters = Counters(options.log_size)
        self.faults = Faults(options.seed, options.faults)
        self.sessions = Sessions()
        self.firmware = Firmware(options.model, options.firmware or DEFAULT_BUILDS[options.model])
        self.power = Power(spread_between(90_000, 600_000, options.seed, "uptime"))
        self.state = self._fresh_state()
        self.restarted = asyncio.Event()
        self.on_restart: list[Callable[[], None]] = []
        self.change_https: ChangeHttps = _no_https
        # A named cache holds the variables that its question found, not the question.
        self._caches: dict[str, list[str]] = {}
        self._recent: deque[float] = deque()
        self._drawn_403 = 0
        self._repaired_403 = False
        self._busy_until = 0.0
        self.reading()  # counts the energies of past days now, not in the first request

    def _site(self) -> Site:
        options = self.options
        site = Site(options.seed, options.latitude, options.longitude, options.daylight)
        if not options.daylight:
            return site
        # Years of sun without nights would add up to absurd energies: count a month of them.
        month_ago = self.clock.now() - 30 * DAY
        return dataclasses.replace(site, epoch=month_ago - month_ago % DAY)

    def _fresh_state(self) -> State:
        serial = self.options.serial or serial_for(self.options.seed, self.options.model)
        return State(serial=serial, model=self.options.model)

    # Control

    def reading(self) -> Reading:
        """Read the plant now."""
        return self.plant.read(self.clock.now())

    def reset(self, *, state: bool) -> None:
        """Set the counters to zero; with `state`, also undo writes, sessions and faults."""
        self.counters.reset()
        self._recent.clear()
        if state:
            self.state = self._fresh_state()
            self.sessions.clear()
            self.faults.clear()
            self.settings = self.options.settings
            self._caches.clear()
            self._repaired_403 = False
            self._busy_until = 0.0

    def restart(
        self, reason: str, seconds: float | None = None, phases: Phases | None = None
    ) -> None:
        """Go down: what is in flight is lost, sessions end, a random 403 is repaired.

        Live data are off afterwards.
        """
        took = self.settings.restart_seconds if seconds is None else seconds
        self.power.begin(took, phases or self.settings.restart_phases)
        self.counters.restarts.append({"at": time.monotonic(), "reason": reason, "seconds": took})
        self.sessions.clear()
        self._caches.clear()
        self._recent.clear()
        self._repaired_403 = True
        self._busy_until = 0.0
        self.state.session_open = False
        self.state.telemetry = "0"
        going_down, self.restarted = self.restarted, asyncio.Event()
        going_down.set()
        for callback in self.on_restart:
            callback()

    def install(self, build: int) -> None:
        """Change to another firmware build at once, without a restart.

        Raises:
            OptionError: The build is not a number from 1 to 99999.
        """
        if isinstance(build, bool) or not isinstance(build, int) or not 1 <= build <= 99_999:
            raise OptionError("build", f"{build!r} is not a whole number from 1 to 99999")
        self.firmware = Firmware(self.options.model, build)
        self.sessions.clear()
        self._caches.clear()
        self._repaired_403 = False
        self.state.telemetry = "0"

    def telemetry_on(self) -> bool:
        """Tell whether the WebSocket serves: always on older builds, else when enabled."""
        return not self.firmware.locked or self.state.telemetry == "1"

    def livedata(self) -> dict[str, Any]:
        """Return the live data by short name."""
        return livedata(self.reading())

    def describe(self) -> dict[str, Any]:
        """Return where the box stands, as JSON data."""
        return {
            "model": self.options.model,
            "serial": self.state.serial,
            "firmware": self.firmware.build,
            "locked": self.firmware.locked,
            "phase": self.power.phase() or "up",
            "uptime": self.power.uptime(),
            "clock": self.clock.now(),
            "sessions": self.sessions.count(self.settings.session_seconds),
            "telemetry": self.telemetry_on(),
        }

    # Requests

    def identify(self, request: Request) -> Target:
        """Tell what a request is for."""
        return identify(request, varserver=self.firmware.has_new_api)

    async def answer(self, request: Request, target: Target, writes: list[Write]) -> Response:
        """Work on a request for as long as the PVS takes, and answer it.

        Raises:
            NeverAnsweredError: The PVS hangs on this request.
            InterruptedRequestError: The PVS went down meanwhile.
        """
        if target.kind == "cgi":
            return await self._cgi(request, target, writes)
        if target.kind == "varserver":
            await self.work(varserver_seconds(self.settings))
            if target.path.startswith("/auth"):
                return self._auth(request, target)
            return self._vars(request, target, writes)
        return self._static(request, target)

    async def work(self, seconds: float) -> None:
        """Be busy for some real seconds.

        Raises:
            InterruptedRequestError: The PVS went down meanwhile.
        """
        going_down = self.restarted
        try:
            async with asyncio.timeout(seconds):
                await going_down.wait()
        except TimeoutError:
            return
        raise InterruptedRequestError

    def _static(self, request: Request, target: Target) -> Response:
        page = static_page(target.path, self.state.serial, self.state.site_type)
        if page is None:
            return error_page(404, "Not Found")
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            return error_page(405, "Method Not Allowed")
        return page

    # Old API

    async def _cgi(self, request: Request, target: Target, writes: list[Write]) -> Response:
        if self._crashes():
            return unavailable()
        if self._hangs_on(request):
            raise NeverAnsweredError
        allowed = target.info or not self.firmware.locked or self._session_opens(request, target)
        slow = target.slow and allowed
        await self.work(
            devices_list_seconds(self.settings)
            if slow and self.firmware.locked
            else cgi_seconds(self.settings, self.plant.count, slow=slow)
        )
        if not target.info:
            if not allowed or self._random_403():
                return forbidden()
            if time.monotonic() < self._busy_until:
                return unavailable()
        answer: dict[str, Any] = {}
        for command in target.todo:
            answer = self._run(command, target)
        for write in writes:
            write.applied = True
        return self._cgi_answer(answer)

    def _session_opens(self, request: Request, target: Target) -> bool:
        """Tell whether a session opens what locked firmware has closed."""
        if self.settings.devices_list == "closed" or target.writes:
            return False
        token = token_of(request.header("Cookie"))
        return target.label in SESSION_PATHS and self.sessions.alive(
            token, self.settings.session_seconds
        )

    def _run(self, command: Command, target: Target) -> dict[str, Any]:
        if command is POSTED_DEVICES:
            self._busy_until = time.monotonic() + self.settings.processing_seconds
        return command.answer(
            Call(
                state=self.state,
                firmware=self.firmware,
                parameters=target.parameters,
                moment=self._moment,
                now=time.monotonic(),
                discovery_seconds=self.settings.discovery_seconds,
                empty_info=self.firmware.empty_info
                if self.settings.empty_info is None
                else self.settings.empty_info,
            )
        )

    def _moment(self) -> Moment:
        uptime = self.power.uptime()
        return Moment(self.reading(), self.state, self.firmware, self.options.seed, uptime)

    def _crashes(self) -> bool:
        now = time.monotonic()
        self._recent.append(now)
        while self._recent[0] < now - self.settings.crash_window_seconds:
            self._recent.popleft()
        at_once = self.counters.in_flight["cgi"]
        settings = self.settings
        if 0 < settings.crash_in_flight < at_once:
            self.restart(f"{at_once} CGI processes in flight")
            return True
        if 0 < settings.crash_requests < len(self._recent):
            self.restart(f"{len(self._recent)} CGI requests in the window")
            return True
        return False

    def _hangs_on(self, request: Request) -> bool:
        hang = self.settings.br_hang
        if not (self.firmware.br_hang if hang is None else hang):
            return False
        offered = (request.header("Accept-Encoding") or "").lower().split(",")
        return any(coding.split(";")[0].strip() == "br" for coding in offered)

    def _random_403(self) -> bool:
        chance = self.settings.random_403
        chance = self.firmware.random_403 if chance is None else chance
        if self._repaired_403 or chance <= 0:
            return False
        self._drawn_403 += 1
        return spread(self.options.seed, "403", self._drawn_403) < chance

    def set_settings(self, changes: dict[str, Any]) -> None:
        """Change some settings.

        Raises:
            OptionError: A value is impossible; nothing is changed.
        """
        self.settings = dataclasses.replace(self.settings, **changes)
        if "random_403" in changes:
            self._repaired_403 = False

    def _cgi_answer(self, answer: dict[str, Any]) -> Response:
        return Response(
            200,
            (json.dumps(answer) + "\n").encode(),
            (
                _JSON,
                ("Access-Control-Allow-Methods", "GET,POST,DELETE,PUT"),
                ("Pragma", "no-cache"),
                ("dlcgi-build-time", self.firmware.built),
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Allow-Headers", "Content-Type"),
                (
                    "Cache-Control",
                    "no-cache, no-store, no-cache, must-revalidate, post-check=0, pre-check=0",
                ),
            ),
            dynamic=True,
        )

    # New API

    def _auth(self, request: Request, target: Target) -> Response:
        token = token_of(request.header("Cookie"))
        life = self.settings.session_seconds
        if target.label == "auth?login":
            if not credentials_fit(request.header("Authorization"), self.state.password):
                self.counters.login_failures += 1
                return _api(401, {"error": "Unauthorized"})
            if 0 < self.settings.session_limit <= self.sessions.count(life):
                self.counters.login_failures += 1
                return forbidden()
            self.counters.logins += 1
            token = self.sessions.open()
            wanted = self.settings.session_cookie
            if not (self.firmware.session_cookie if wanted is None else wanted):
                return _api(200, {"session": token})
            cookie = ("Set-Cookie", f"session={token}; HttpOnly; Secure")
            return _api(200, {"session": token}, cookie)
        if target.label == "auth?logout":
            self.counters.logouts += self.sessions.close(token)
            return _api(200, {"session": ""})
        if target.label == "auth?check":
            if self.sessions.alive(token, life):
                return _api(200, {"session": token})
            return _api(401, {"error": "Unauthorized"})
        return _api(400, {"error": "Bad Request"})

    def _vars(self, request: Request, target: Target, writes: list[Write]) -> Response:
        view = self._view()
        table = variables(view)
        token = token_of(request.header("Cookie"))
        logged_in = self.sessions.alive(token, self.settings.session_seconds)
        if target.writes:
            names = self._names_to_set(target, table)
            allowed = names is not None and all(name in writable(view.reading) for name in names)
        else:
            names = self._names_to_read(target, table)
            allowed = True
        if names is None or not allowed:
            return _api(400, {"error": "Bad Request"})
        if not logged_in and (target.writes or not all(n.startswith(OPEN_PREFIX) for n in names)):
            status = 401 if token is None else self.settings.expired_status
            return _api(status, {"error": "Unauthorized"})
        if target.writes:
            self._set(target)
            for write in writes:
                write.applied = True
            table = variables(view)
        return self._values(names, table, value_of(target.parameters, "fmt"))

    def _view(self) -> View:
        settings, uptime = self.settings, self.power.uptime()
        incomplete = uptime < settings.incomplete_seconds
        return View(
            self.reading(),
            self.state,
            self.firmware,
            settings,
            self.options.seed,
            uptime,
            listed=settings.incomplete_inverters if incomplete else None,
            ghosts=self.options.ghosts,
        )

    def _names_to_read(self, target: Target, table: dict[str, str]) -> list[str] | None:
        self._caches.pop(value_of(target.parameters, "clearcache"), None)
        cache = value_of(target.parameters, "cache")
        if cache in self._caches:
            # The worst case: another question by this name is not asked.
            return [name for name in self._caches[cache] if name in table] or None
        names = self._found(target, table)
        if cache and names:
            self._caches[cache] = names
        return names or None

    def _found(self, target: Target, table: dict[str, str]) -> list[str]:
        asked, match, tags, instance = (
            value_of(target.parameters, name) for name in ("name", "match", "tags", "instance")
        )
        if asked:
            names = [word.strip() for word in asked.split(",")]
            if any(name not in table for name in names):
                raise NeverAnsweredError
            return names
        wanted = tags.split(",") if tags else []
        return [
            name
            for name in table
            if (match or tags or instance)
            and match in name
            and all(tagged(name, tag) for tag in wanted)
            and (not instance or instance in name.split("/"))
        ]

    def _names_to_set(self, target: Target, table: dict[str, str]) -> list[str] | None:
        assignments = _assignments(target)
        if not assignments:
            return None
        if any(name not in table for name, _ in assignments):
            raise NeverAnsweredError
        return [name for name, _ in assignments]

    def _set(self, target: Target) -> None:
        for name, value in _assignments(target):
            if name == TELEMETRY:
                self.state.telemetry = value
            else:
                self.state.variables[name] = value

    def _values(self, names: list[str], table: dict[str, str], fmt: str) -> Response:
        seed, oddly = self.options.seed, self.settings.odd_values
        shown = {n: odd(n, table[n], seed) if oddly else table[n] for n in names}
        if fmt == "obj":
            return _api(200, shown)
        values = [{"name": name, "value": shown[name]} for name in names]
        return _api(200, {"values": values, "count": len(values)})


def _assignments(target: Target) -> list[tuple[str, str]]:
    pairs = []
    for part in ",".join(values_of(target.parameters, "set")).split(","):
        name, equals, value = part.partition("=")
        if equals:
            pairs.append((name.strip(), value.strip()))
    return pairs


def _api(status: int, data: dict[str, Any], *headers: tuple[str, str]) -> Response:
    return Response(status, json.dumps(data).encode(), (_JSON, *headers), dynamic=True)


def forbidden() -> Response:
    """Return the 403 of a locked firmware."""
    body = b'{ "status":403, "error" : "Unauthorized", "path":"" }'
    return Response(403, body, (_JSON,), dynamic=True)
