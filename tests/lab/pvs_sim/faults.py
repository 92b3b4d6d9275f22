"""Faults that are injected: for the next N requests or until cleared, for all or for some."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from .spread import spread

KINDS: dict[str, tuple[str, ...]] = {
    "500": (),
    "503": (),
    "403": (),
    "error_result": (),
    "html": (),
    "truncate": ("fraction",),
    "headers_in_body": (),
    "slow": ("bytes_per_second",),
    "silence": (),
    "reset": (),
    "delay": ("seconds",),
}
"""Each kind of fault and the parameters that only it has."""

DESCRIPTIONS: dict[str, str] = {
    "500": "Internal Server Error, as when the CGI program dies",
    "503": "Service Unavailable, as during a restart",
    "403": "Unauthorized, as from a locked firmware",
    "error_result": "status 200 whose JSON says that the request did not succeed",
    "html": "status 200 with a web page, as from very old firmware",
    "truncate": "full Content-Length, but only `fraction` of the body (0.5), then closed",
    "headers_in_body": "header lines at the start of the body, in front of the JSON",
    "slow": "the answer drips out at `bytes_per_second` (100)",
    "silence": "the request is read and never answered",
    "reset": "the connection is reset (RST) instead of answered",
    "delay": "`seconds` (1) more before the answer",
}
COMMON = ("count", "command", "path", "probability")


class FaultError(ValueError):
    """A fault that cannot be: names the key and says what can be."""


@dataclass(frozen=True)
class Fault:
    """One injected fault.

    Attributes:
        kind: One of KINDS.
        count: How many requests it meets; None: until cleared.
        command: Only requests with this Command; None: every request.
        path: Only requests whose path begins so; None: every request.
        probability: Chance, from 0 to 1, that a request which fits is met.
        fraction: For truncate: share of the body that is sent.
        bytes_per_second: For slow.
        seconds: For delay: real seconds.

    Raises:
        FaultError: A value is impossible.
    """

    kind: str
    count: int | None = None
    command: str | None = None
    path: str | None = None
    probability: float = 1.0
    fraction: float = 0.5
    bytes_per_second: float = 100.0
    seconds: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.kind not in KINDS:
            raise FaultError(f"kind: {self.kind!r} is not known; give one of {', '.join(KINDS)}")
        if self.count is not None and (not _whole(self.count) or self.count < 1):
            raise FaultError(f"count: {self.count!r} is not a whole number from 1 up")
        for name in ("command", "path"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise FaultError(f"{name}: {value!r} is not a text")
        for name, high in (("probability", 1.0), ("fraction", 1.0), ("seconds", 3600.0)):
            value = getattr(self, name)
            if not _number(value) or not 0 <= value <= high:
                raise FaultError(f"{name}: {value!r} is not a number from 0 to {high:g}")
        if not _number(self.bytes_per_second) or not 1 <= self.bytes_per_second <= 1e9:
            raise FaultError(f"bytes_per_second: {self.bytes_per_second!r} is not from 1 to 1e9")

    def describe(self) -> dict[str, Any]:
        """Return the fault as JSON data, without the parameters of other kinds."""
        keys = ("kind", *COMMON, *KINDS[self.kind])
        return {key: getattr(self, key) for key in keys}

    def fits(self, path: str, command: str | None) -> bool:
        """Tell whether a request is one that this fault is meant for."""
        if self.command is not None and self.command != command:
            return False
        return self.path is None or path.startswith(self.path)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def fault_from(data: object) -> Fault:
    """Make a fault from JSON data.

    Raises:
        FaultError: Not an object, an unknown key, or an impossible value; names the key.
    """
    if not isinstance(data, dict):
        raise FaultError('fault: give an object such as {"kind": "500", "count": 1}')
    if "kind" not in data:
        raise FaultError(f"kind: is missing; give one of {', '.join(KINDS)}")
    kind = data["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise FaultError(f"kind: {kind!r} is not known; give one of {', '.join(KINDS)}")
    allowed = ("kind", *COMMON, *KINDS[kind])
    for key in data:
        if key not in allowed:
            raise FaultError(f"{key}: is not a key of {kind}; known are {', '.join(allowed)}")
    return Fault(**data)


def parse_fault(text: str) -> Fault:
    """Make a fault from `KIND` or `KIND:key=value,key=value`.

    Raises:
        FaultError: The text cannot be read; names the key.
    """
    kind, _, rest = text.partition(":")
    data: dict[str, Any] = {"kind": kind}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise FaultError(f"{part}: is not key=value")
        data[key] = value if key in {"command", "path"} else _parse_number(key, value)
    return fault_from(data)


def _parse_number(key: str, value: str) -> float | int:
    try:
        return int(value) if key == "count" else float(value)
    except ValueError:
        raise FaultError(f"{key}: {value!r} is not a number") from None


class Faults:
    """The faults that are armed, in the order in which they were set."""

    def __init__(self, seed: int, initial: tuple[Fault, ...] = ()) -> None:
        """Arm the initial faults; the seed decides on probabilities."""
        self._seed = seed
        self._drawn = 0
        self._armed: list[Fault] = list(initial)

    def add(self, faults: list[Fault]) -> None:
        """Arm more faults, after those that are armed."""
        self._armed.extend(faults)

    def clear(self, kind: str | None = None) -> None:
        """Disarm the faults of one kind, or all."""
        self._armed = [f for f in self._armed if kind is not None and f.kind != kind]

    def armed(self) -> list[dict[str, Any]]:
        """Return what is armed, as JSON data, with what is left of each count."""
        return [fault.describe() for fault in self._armed]

    def take(self, path: str, command: str | None) -> Fault | None:
        """Return the first fault that meets this request, and use up one of its count."""
        for index, fault in enumerate(self._armed):
            if not fault.fits(path, command) or not self._drawn_within(fault.probability):
                continue
            if fault.count == 1:
                del self._armed[index]
            elif fault.count is not None:
                self._armed[index] = dataclasses.replace(fault, count=fault.count - 1)
            return fault
        return None

    def _drawn_within(self, probability: float) -> bool:
        if probability >= 1:
            return True
        self._drawn += 1
        return spread(self._seed, "fault", self._drawn) < probability
