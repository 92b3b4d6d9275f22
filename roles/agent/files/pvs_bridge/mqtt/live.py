"""The powers of each second, from the live data of the PVS."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

SECONDS = 10.0
"""How long a message counts as live. A PVS sends one each second."""

_AGAIN_SECONDS = 15.0
_TIMEOUT_SECONDS = 60.0
_LONGEST_LINE = 65536
_KEYS = {"production_power": "pv_p", "home_power": "site_load_p", "grid_power": "net_p"}
"""The keys of the plant's message, and of the PVS's."""


class LivePower:
    """Listens to the live data in a thread."""

    def __init__(self, port: int) -> None:
        """Set haproxy's port for the web interface; start() listens."""
        self._port = port
        # One object, because the thread replaces it while others read it.
        self._last: tuple[float, dict[str, int]] = (-math.inf, {})

    def start(self) -> None:
        """Listen until the process ends."""
        threading.Thread(target=self._listen, name="live data", daemon=True).start()

    @property
    def power(self) -> dict[str, int]:
        """The powers of now in W, by the key of the plant's message; empty without live data."""
        at, power = self._last
        return power if time.monotonic() - at < SECONDS else {}

    def _listen(self) -> None:
        while True:
            # The monitor reports what is wrong with the PVS.
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._read()
            time.sleep(_AGAIN_SECONDS)

    def _read(self) -> None:
        """Read events until the connection ends.

        Raises:
            OSError: haproxy does not listen, or the connection broke.
            HTTPException: The answer is damaged.
        """
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)
        ) as connection:
            connection.request("GET", "/bridge/live")
            events = connection.getresponse()
            while events.status == 200 and (line := events.readline(_LONGEST_LINE)):
                power = power_of(line)
                if power:
                    self._last = time.monotonic(), power


def power_of(line: bytes) -> dict[str, int]:
    """Return the powers in a line of an event; empty if it has none."""
    try:
        message: Any = json.loads(line.removeprefix(b"data: ").decode())
        params = message["params"]
        return {key: _watts(params[name]) for key, name in _KEYS.items() if name in params}
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return {}


def _watts(kw: object) -> int:
    if isinstance(kw, bool) or not isinstance(kw, (int, float)):
        raise TypeError
    return round(kw * 1000)


def with_live(
    messages: Mapping[str, bytes], topic: str, power: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    """Yield the messages by topic, that of the plant with the powers of now.

    Args:
        messages: As the publisher has made them.
        topic: The plant's.
        power: The powers by key. One that the plant's message does not tell is left out.
    """
    for name, message in messages.items():
        plant: dict[str, Any] = json.loads(message) if name == topic and power else {}
        # After a fault, the other figures of the message are old, and so would its state be.
        if plant.get("current"):
            known = {key: watts for key, watts in power.items() if plant[key] is not None}
            yield name, json.dumps({**plant, **known}, separators=(",", ":")).encode()
        else:
            yield name, message
