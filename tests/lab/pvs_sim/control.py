"""The control port: what was asked, what is true, and what shall go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from .box import Box
from .clock import iso, parse_instant
from .faults import KINDS, FaultError, fault_from
from .listener import Listener
from .options import EARLIEST_CLOCK, OptionError, Settings, specs
from .query import split_target
from .wire import BadRequestError, Request, Response, encode, read_request

_LEFT = (asyncio.IncompleteReadError, TimeoutError, OSError)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "number": (int, float),
    "text": str,
    "int": int,
}
Data = dict[str, Any]


class ControlError(ValueError):
    """A control request that cannot be done: names the key and says what can be."""


def _take(data: Data, **kinds: str) -> Data:
    """Check keys and types of a JSON object.

    Raises:
        ControlError: An unknown key, or a value of the wrong type.
    """
    for key, value in data.items():
        if key not in kinds:
            known = ", ".join(kinds) or "none"
            raise ControlError(f"{key}: is not known here; known are {known}")
        kind = kinds[key]
        wrong = isinstance(value, bool) != (kind == "bool")
        if kind in _TYPES and (wrong or not isinstance(value, _TYPES[kind])):
            raise ControlError(f"{key}: {value!r} is not a {kind}")
    return data


def settings_as_json(settings: Settings) -> Data:
    """Return the settings as JSON data; phases as an object of weights."""
    return {**asdict(settings), "restart_phases": dict(settings.restart_phases)}


def settings_from_json(data: Data) -> Data:
    """Check changes of settings that came as JSON, and return them as fields.

    Raises:
        ControlError: An unknown key; the values are checked by Settings itself.
    """
    known = specs(Settings)
    for key in data:
        if key not in known:
            raise ControlError(f"{key}: is not a setting; known are {', '.join(known)}")
    return {
        key: _phases(value) if key == "restart_phases" else value for key, value in data.items()
    }


def _phases(value: object) -> object:
    return tuple(value.items()) if isinstance(value, dict) else value


class ControlServer(Listener):
    """Answers `/_sim/...`; apart from the PVS's own ports and never counted."""

    def __init__(self, box: Box) -> None:
        """Control a box."""
        super().__init__()
        self._box = box
        self._routes: dict[tuple[str, str], Callable[[Data], Data]] = {
            ("GET", "stats"): self._stats,
            ("POST", "reset"): self._reset,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._set_faults,
            ("GET", "settings"): self._settings,
            ("POST", "settings"): self._set_settings,
            ("POST", "restart"): self._restart,
            ("GET", "firmware"): self._firmware,
            ("POST", "firmware"): self._set_firmware,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._set_clock,
            ("GET", "plant"): self._plant,
            ("POST", "https"): self._change_https,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(*_LEFT):
            keep = True
            while keep:
                try:
                    request = await read_request(reader, writer)
                except BadRequestError as error:
                    request = Request("-", "GET", "*", "HTTP/1.0")
                    response = _json(error.status, {"error": str(error)})
                else:
                    response = self.answer(request)
                keep = request.keep_alive
                head, body = encode(request, response, "pvs-sim", "length")
                writer.write(head + body)
                await writer.drain()

    def answer(self, request: Request) -> Response:
        """Answer one control request: 200, or 400, 404, 405 with an `error`."""
        path, query = split_target(request.target)
        method = "GET" if request.method == "HEAD" else request.method
        name = path.removeprefix("/_sim/")
        methods = [verb for verb, known in self._routes if known == name]
        if not path.startswith("/_sim/") or not methods:
            known = ", ".join(f"/_sim/{n}" for n in dict.fromkeys(n for _, n in self._routes))
            return _json(404, {"error": f"{path}: is not known; known are {known}"})
        if method not in methods:
            return _json(405, {"error": f"{method}: not here; give {' or '.join(methods)}"})
        try:
            data = _query(query) if method == "GET" else _body(request.body)
            return _json(200, self._routes[method, name](data))
        except (ControlError, FaultError, OptionError) as error:
            return _json(400, {"error": str(error)})

    def _stats(self, data: Data) -> Data:
        _take(data, log="text")
        text = data.get("log", "")
        if text and not text.isdecimal():
            raise ControlError(f"log: {text!r} is not a whole number from 0 up")
        records = [record.describe() for record in self._box.counters.log]
        wanted = int(text) if text else len(records)
        return {
            **self._box.describe(),
            **self._box.counters.describe(),
            "log": records[len(records) - wanted :] if wanted < len(records) else records,
        }

    def _reset(self, data: Data) -> Data:
        _take(data, state="bool")
        self._box.reset(state=data.get("state", False))
        return self._box.describe()

    def _faults(self, data: Data) -> Data:
        _take(data)
        return {"faults": self._box.faults.armed()}

    def _set_faults(self, data: Data) -> Data:
        """Take {"clear": true or a kind}, {"add": fault or list}, or both: clear comes first."""
        _take(data, clear="any", add="any")
        clear, add = data.get("clear", False), data.get("add", [])
        if not isinstance(clear, bool) and clear not in KINDS:
            raise ControlError(f"clear: {clear!r} is not true or one of {', '.join(KINDS)}")
        faults = [fault_from(item) for item in (add if isinstance(add, list) else [add])]
        if clear:
            self._box.faults.clear(None if clear is True else clear)
        self._box.faults.add(faults)
        return self._faults({})

    def _settings(self, data: Data) -> Data:
        _take(data)
        return settings_as_json(self._box.settings)

    def _set_settings(self, data: Data) -> Data:
        self._box.set_settings(settings_from_json(data))
        return self._settings({})

    def _restart(self, data: Data) -> Data:
        _take(data, seconds="number", phases="any", reason="text")
        changes: Data = {}
        if "seconds" in data:
            changes["restart_seconds"] = data["seconds"]
        if "phases" in data:
            changes["restart_phases"] = _phases(data["phases"])
        # A trial of the values, so that what Settings refuses is refused here as well.
        wanted = Settings(
            **{
                "restart_seconds": self._box.settings.restart_seconds,
                "restart_phases": self._box.settings.restart_phases,
                **changes,
            }
        )
        reason = data.get("reason", "control port")
        self._box.restart(reason, wanted.restart_seconds, wanted.restart_phases)
        return self._box.describe()

    def _firmware(self, data: Data) -> Data:
        _take(data)
        firmware = self._box.firmware
        return {"build": firmware.build, "model": firmware.model, "locked": firmware.locked,
                "version": firmware.version}  # fmt: skip

    def _set_firmware(self, data: Data) -> Data:
        _take(data, build="int", restart="bool", seconds="number")
        if "build" not in data:
            raise ControlError("build: is missing; give a whole number")
        seconds = data.get("seconds", self._box.settings.restart_seconds)
        if seconds < 0:
            raise ControlError(f"seconds: {seconds!r} is below 0")
        self._box.install(data["build"])
        if data.get("restart", False):
            self._box.restart(f"update to {data['build']}", seconds)
        return self._firmware({})

    def _clock(self, data: Data) -> Data:
        _take(data)
        now = self._box.clock.now()
        return {"now": iso(now), "seconds": now, "scale": self._box.clock.scale}

    def _set_clock(self, data: Data) -> Data:
        _take(data, now="text", advance_seconds="number", scale="number")
        clock = self._box.clock
        target = clock.now()
        if "now" in data:
            target = _instant(data["now"])
        target += data.get("advance_seconds", 0)
        if not EARLIEST_CLOCK <= target <= 4_102_444_800:
            raise ControlError("now: the plant exists from 2025-01-02 to 2099")
        if data.get("scale", 0) < 0:
            raise ControlError(f"scale: {data['scale']!r} is below 0")
        clock.set(target, data.get("scale"))
        return self._clock({})

    def _change_https(self, data: Data) -> Data:
        """Take {"on": false} to close the port, {"renew": true} for another certificate."""
        _take(data, on="bool", renew="bool")
        self._box.change_https(on=data.get("on", True), renew=data.get("renew", False))
        return {}

    def _plant(self, data: Data) -> Data:
        _take(data)
        return {
            "reading": self._box.reading().truth(),
            "state": self._box.state.describe(),
        }


def _instant(text: str) -> float:
    try:
        instant = parse_instant(text)
    except ValueError:
        raise ControlError(
            f"now: {text!r} is not `now` or an ISO instant such as 2026-06-21T19:00:00Z"
        ) from None
    return time.time() if instant is None else instant


def _query(query: str) -> Data:
    return {key: values[-1] for key, values in parse_qs(query, keep_blank_values=True).items()}


def _body(body: bytes) -> Data:
    try:
        data = json.loads(body or b"{}")
    except ValueError as error:
        raise ControlError(f"body: is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ControlError("body: is not a JSON object")
    return data


def _json(status: int, data: Data) -> Response:
    body = json.dumps(data, indent=1).encode() + b"\n"
    return Response(status, body, (("Content-Type", "application/json"),))
