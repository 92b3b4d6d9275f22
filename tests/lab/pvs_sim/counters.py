"""What the simulator was asked: counted, with a bounded log. Tests judge by these numbers."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from .wire import Request

MAX_NAMES = 200
"""Different names that are counted apart; the rest is `(other)`."""

KINDS = ("total", "cgi", "varserver")


@dataclass
class Record:
    """One request. Times are real monotonic seconds; `ended` None while it is in flight.

    Attributes:
        kind: cgi (old API), varserver (new API), static or bad.
        outcome: answered, reset, silent or gone (the client left); None while in flight.
    """

    number: int
    listener: str
    started: float
    line: str
    method: str
    path: str
    kind: str
    command: str | None
    headers: list[tuple[str, str]]
    ended: float | None = None
    status: int | None = None
    outcome: str | None = None

    def describe(self) -> dict[str, Any]:
        """Return the record as JSON data; of credentials only the scheme."""
        data = dict(self.__dict__)
        data["headers"] = [list(_veil(name, value)) for name, value in self.headers]
        return data


def _veil(name: str, value: str) -> tuple[str, str]:
    if name.lower() == "authorization":
        return name, value.split()[0] if value else ""
    return name, value[:256]


@dataclass
class Write:
    """One write that arrived, by whatever spelling. `applied`: it changed something."""

    what: str
    line: str
    at: float
    applied: bool = False


@dataclass
class Counters:
    """All counters since the start or the last reset.

    Attributes:
        log_size: How many requests the log remembers.
    """

    log_size: int
    by_command: Counter[str] = field(default_factory=Counter)
    by_path: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: Counter[str] = field(default_factory=Counter)
    writes: list[Write] = field(default_factory=list)
    logins: int = 0
    login_failures: int = 0
    logouts: int = 0
    restarts: list[dict[str, Any]] = field(default_factory=list)
    websocket_clients: int = 0
    websocket_most: int = 0
    websocket_total: int = 0
    connections: int = 0
    requests: int = 0
    log: deque[Record] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Bound the log."""
        self.log = deque(maxlen=self.log_size)

    def begin(
        self, listener: str, request: Request, path: str, kind: str, command: str | None
    ) -> Record:
        """Count a request that has arrived whole, and return its record."""
        self.requests += 1
        record = Record(
            number=self.requests,
            listener=listener,
            started=time.monotonic(),
            line=request.line[:1024],
            method=request.method,
            path=path[:256],
            kind=kind,
            command=command,
            headers=list(request.headers[:64]),
        )
        self.log.append(record)
        if command is not None:
            _count(self.by_command, command)
        _count(self.by_path, path)
        for name in _counted(kind):
            self.in_flight[name] += 1
            self.most_in_flight[name] = max(self.most_in_flight[name], self.in_flight[name])
        return record

    def end(self, record: Record, status: int | None, outcome: str) -> None:
        """Note how a request ended."""
        record.ended = time.monotonic()
        record.status = status
        record.outcome = outcome
        self.by_status[str(status) if status is not None else outcome] += 1
        for name in _counted(record.kind):
            self.in_flight[name] -= 1

    def write(self, what: str, line: str) -> Write:
        """Count a write that has arrived, and return its entry."""
        entry = Write(what, line[:1024], time.monotonic())
        self.writes.append(entry)
        return entry

    def open_websocket(self) -> None:
        """Count a WebSocket after its handshake, until close_websocket()."""
        self.websocket_total += 1
        self.websocket_clients += 1
        self.websocket_most = max(self.websocket_most, self.websocket_clients)

    def close_websocket(self) -> None:
        """Note the end of a WebSocket."""
        self.websocket_clients -= 1

    def reset(self) -> None:
        """Set everything to zero; what is in flight goes on being counted as such."""
        fresh = Counters(self.log_size)
        fresh.in_flight = self.in_flight
        fresh.most_in_flight = Counter(self.in_flight)
        fresh.websocket_clients = fresh.websocket_most = self.websocket_clients
        self.__dict__.update(fresh.__dict__)

    def describe(self) -> dict[str, Any]:
        """Return everything but the log as JSON data."""
        return {
            "requests": self.requests,
            "connections": self.connections,
            "by_command": dict(self.by_command),
            "by_path": dict(self.by_path),
            "by_status": dict(self.by_status),
            "in_flight": {kind: self.in_flight[kind] for kind in KINDS},
            "most_in_flight": {kind: self.most_in_flight[kind] for kind in KINDS},
            "writes": {"count": len(self.writes), "list": [vars(w) for w in self.writes[-500:]]},
            "logins": self.logins,
            "login_failures": self.login_failures,
            "logouts": self.logouts,
            "restarts": {"count": len(self.restarts), "list": self.restarts},
            "websocket": {
                "clients": self.websocket_clients,
                "most": self.websocket_most,
                "total": self.websocket_total,
            },
        }


def _counted(kind: str) -> tuple[str, ...]:
    """Live data are not requests that the PVS works on."""
    return (kind,) if kind == "live" else ("total", kind)


def _count(counter: Counter[str], name: str) -> None:
    if name not in counter and len(counter) >= MAX_NAMES:
        name = "(other)"
    counter[name[:256]] += 1
