"""The judge: whether the PVS was asked anything that the role's table does not hold."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from bridges.proxy.home import PVS, Home
from bridges.proxy.volley import volley

from proxy_rig.rendering import variables as role_variables

_AT_A_TIME = 1000
"""The PVS's record holds twice as much, for some requests are several."""
_AT_ONCE = 120
"""With more connections, haproxy limits each address to a few."""
_RECORDED = 1024
"""As many characters of a request line are in the record."""
_SOURCES = [f"192.168.20.{number}" for number in range(100, 110)]
"""One address has fewer connections than are open at once."""
_BUSY = re.compile(rb"HTTP/1\.1 (429|50[0-4]) ")


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
        page = r"/(?!cgi-bin|auth|vars)[\w./-]*(\?[\w.=-]{0,64})?"
        lines = [
            rf"GET /cgi-bin/dl_cgi(\?Command=({reading})|/({paths}))?",
            rf"(GET|HEAD) ({page}|/auth\?(login|logout)|/vars\?{asked})",
            "POST /vars",
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
        self._dropped = {name.lower() for name in role["__proxy_dropped_headers"]}

    def try_all(
        self, home: Home, requests: Sequence[bytes], *, half_close: bool = False
    ) -> list[str]:
        """Send these requests to the bridge, each on a connection of its own.

        Args:
            home: with a bridge; the bridge may do nothing else meanwhile.
            requests: what to send, to the byte.
            half_close: say at the end of each that nothing will follow.

        Returns:
            what the PVS should not have got, and the first requests that it comes from, found by
            halving; empty if all is well.
        """
        for start in range(0, len(requests), _AT_A_TIME):
            part = requests[start : start + _AT_A_TIME]
            objections = self._objections(home, part, half_close=half_close)
            if objections:
                guilty = self._guilty(home, part, half_close=half_close)
                return objections[:5] + [repr(data[:800]) for data in guilty]
        return []

    def _guilty(self, home: Home, requests: Sequence[bytes], *, half_close: bool) -> list[bytes]:
        """The requests that get something through, five at most."""
        if not self._objections(home, requests, half_close=half_close):
            return []
        if len(requests) == 1:
            return [*requests]
        middle = len(requests) // 2
        found = self._guilty(home, requests[:middle], half_close=half_close)
        if len(found) < 5:
            found += self._guilty(home, requests[middle:], half_close=half_close)
        return found[:5]

    def _objections(self, home: Home, requests: Sequence[bytes], *, half_close: bool) -> list[str]:
        """What is wrong after these requests."""
        home.settle()
        sources = itertools.cycle(_SOURCES)
        answers = volley(
            lambda: home.world.connect(80, source=next(sources)),
            requests,
            at_once=_AT_ONCE,
            half_close=half_close,
        )
        # The last client to connect is served last.
        home.ask("/", source="127.0.0.1", address="127.0.0.1")
        home.settle_without_reset()
        # Who is turned away for another reason has not been judged.
        busy = [answer for answer in answers if _BUSY.match(answer)]
        return self._read_record(home) + [f"turned away: {answer[:80]!r}" for answer in busy]

    def _read_record(self, home: Home) -> list[str]:
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
