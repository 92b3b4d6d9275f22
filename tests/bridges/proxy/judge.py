"""The judge: whether the PVS was asked anything that the role's table does not hold."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridges.proxy.home import BRIDGE, PVS, Home
from bridges.proxy.volley import volley

from proxy_rig.rendering import variables as role_variables

_AT_A_TIME = 1000
"""The PVS's record holds twice as much, for some requests are several."""
_AT_ONCE = 80
"""With more connections, haproxy limits each address to a few."""
_CONNECT_TRIES = 100
_RECORDED = 1024
"""As many characters of a request line are in the record."""
_SOURCES = [f"192.168.20.{number}" for number in range(100, 110)]
"""One address has fewer connections than are open at once."""
_BUSY = re.compile(rb"HTTP/1\.1 (429|50[0-4]) ")


@dataclass(frozen=True)
class _Way:
    """How requests reach the bridge; see :meth:`Judge.try_all`."""

    port: int
    half_close: bool
    own: bool


class Judge:
    """Knows the table, and reads the simulated PVS's record."""

    def __init__(self, commands: Sequence[str] = (), variables: Sequence[str] = ()) -> None:
        """Read the table of the role.

        Args:
            commands: those that write, and are open all the same.
            variables: those that may be set.
        """
        role = role_variables({})
        reading = "|".join(
            f"{each['name']}(&{each['parameters']})?" if "parameters" in each else each["name"]
            for each in role["__proxy_reading_commands"]
        )
        paths = "|".join(map(re.escape, role["__proxy_reading_paths"]))
        asked = role["__proxy_variables_pattern"].removeprefix("^").removesuffix("$")
        page = r"/(?!cgi-bin|auth|vars)[\w./-]*(\?[\w.=-]{0,64})?|/cgi-bin/swagger\.json"
        lines = [
            rf"GET /cgi-bin/dl_cgi(\?Command=({reading})|/({paths}))?",
            rf"(GET|HEAD) ({page}|/auth\?(login|logout)|/vars\?{asked})",
            *(rf"(GET|HEAD) /cgi-bin/dl_cgi\?Command={name}(&\w+=[^&;?]*)*" for name in commands),
            *(
                rf"(GET|HEAD) /vars\?set={re.escape(name)}=[\w.:+-]*(&fmt=\w+)?"
                for name in variables
            ),
        ]
        self._line = re.compile(rf"({'|'.join(lines)}) HTTP/[01]\.\d", re.ASCII)
        self._start_of_line = re.compile(rf"({'|'.join(lines)})", re.ASCII)
        self._writes = re.compile(
            "|".join([*commands, *(rf"set={re.escape(name)}=[^,]*" for name in variables), "(?!)"])
        )
        self._live = re.compile(r"GET / HTTP/1\.1")
        self._dropped = {name.lower() for name in role["__proxy_dropped_headers"]}

    def try_all(
        self,
        home: Home,
        requests: Sequence[bytes],
        *,
        half_close: bool = False,
        port: int = 80,
        own: bool = False,
    ) -> list[str]:
        """Send these requests to the bridge, each on a connection of its own.

        Args:
            home: with a bridge; the bridge may do nothing else meanwhile.
            requests: what to send, to the byte.
            half_close: say at the end of each that nothing will follow.
            port: the bridge's port.
            own: whether the Pi itself sends them, as in routed mode.

        Returns:
            what the PVS should not have got, and the first requests that it comes from, found by
            halving; empty if all is well.
        """
        way = _Way(port, half_close=half_close, own=own)
        for start in range(0, len(requests), _AT_A_TIME):
            part = requests[start : start + _AT_A_TIME]
            objections = self._objections(home, part, way)
            if objections:
                guilty = self._guilty(home, part, way)
                return objections[:5] + [repr(data[:800]) for data in guilty]
        return []

    def _guilty(self, home: Home, requests: Sequence[bytes], way: _Way) -> list[bytes]:
        """The requests that get something through, five at most."""
        if not self._objections(home, requests, way):
            return []
        if len(requests) == 1:
            return [*requests]
        middle = len(requests) // 2
        found = self._guilty(home, requests[:middle], way)
        if len(found) < 5:
            found += self._guilty(home, requests[middle:], way)
        return found[:5]

    def _objections(self, home: Home, requests: Sequence[bytes], way: _Way) -> list[str]:
        """What is wrong after these requests."""
        home.settle()
        sources = itertools.cycle(["127.0.0.1"] if way.own else _SOURCES)
        address = "127.0.0.1" if way.own else BRIDGE

        def connect() -> socket.socket:
            # While haproxy still counts closed connections, it resets new ones, which would not be
            # judged.
            for _ in range(_CONNECT_TRIES):
                with contextlib.suppress(ConnectionResetError):
                    return home.connect(way.port, address, source=next(sources))
                time.sleep(0.1)
            raise ConnectionResetError(address, way.port)

        # Port 9002 serves fewer at once, and so does each address.
        at_once = 20 if way.port == 9002 else _AT_ONCE
        if way.own:
            at_once = 4 if way.port == 9002 else 24
        answers = volley(connect, requests, at_once=at_once, half_close=way.half_close)
        # The last client to connect is served last.
        home.ask("/", source="127.0.0.1", address="127.0.0.1")
        home.settle_without_reset()
        # Who is turned away for another reason has not been judged.
        busy = [answer for answer in answers if _BUSY.match(answer)]
        return self.read_record(home) + [f"turned away: {answer[:80]!r}" for answer in busy]

    def read_record(self, home: Home) -> list[str]:
        """What the PVS should not have got."""
        # In one call, because under load haproxy may still send a request that was queued.
        stats, records = home.pvs.call(
            lambda box: (
                box.counters.describe(),
                [record.describe() for record in box.counters.log],
            )
        )
        writes = stats["writes"]["list"]
        found = [
            f"write: {write['what']}: {write['line']}"
            for write in writes
            if not self._writes.fullmatch(write["what"])
        ]
        if stats["writes"]["count"] != len(writes) or stats["requests"] != len(records):
            found.append("more than the record holds")
        if stats["most_in_flight"]["total"] > 1:
            found.append(f"{stats['most_in_flight']['total']} requests at once")
        for record in records:
            found += [f"{what}: {record['line']}" for what in self._wrong(record)]
        return found

    def _wrong(self, record: dict[str, Any]) -> list[str]:
        """What is wrong with one request."""
        headers = [(name.lower(), value) for name, value in record["headers"]]
        if record["listener"] == "websocket":
            return self._wrong_live(record["line"], dict(headers))
        found = [name for name, _ in headers if name in self._dropped]
        line = record["line"]
        whole = len(line) < _RECORDED
        if not (self._line if whole else self._start_of_line).fullmatch(line):
            found.append("line")
        if [value for name, value in headers if name == "host"] != [PVS]:
            found.append("host")
        bodies = [name for name, _ in headers if name in {"content-length", "transfer-encoding"}]
        if bodies != ["content-length"] * (record["method"] == "POST"):
            found += [name for name, value in headers if name in bodies and value != "0"]
        return found

    def _wrong_live(self, line: str, headers: dict[str, str]) -> list[str]:
        """What is wrong with one request for live data."""
        found = [] if self._live.fullmatch(line) else ["line"]
        if headers.get("host") != f"{PVS}:9002" or headers.get("upgrade") != "websocket":
            found.append("host or upgrade")
        unwanted = ("authorization", "cookie", "transfer-encoding", "accept-encoding")
        found += [name for name in unwanted if name in headers]
        return found + ["body"] * (headers.get("content-length", "0") != "0")
