"""haproxy's counters tell when the PVS has restarted or refused: it is not asked for that."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import dataclass

WATCH_SECONDS = 1.0
_COMMANDS = b"show stat pvs 4 -1;show stat pvs_queue 4 -1\n"
_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Counters:
    """What haproxy has counted since it was started.

    Attributes:
        refusals: Answers of the PVS with a status of 400 to 499.
        failures: How often the PVS was found down.
        up: Whether it is taken for up.
    """

    refusals: int
    failures: int
    up: bool

    def restarted_after(self, before: Counters) -> bool:
        """Tell whether the PVS was away since a look before this one, and is back."""
        return self.up and (self.failures != before.failures or not before.up)

    def refused_after(self, before: Counters) -> bool:
        """Tell whether it has refused something since a look before this one.

        Fewer refusals than before: haproxy was restarted, and nobody knows what came in between.
        """
        return self.up and self.refusals != before.refusals


async def look(socket: str) -> Counters | None:
    """Ask haproxy for its counters; None if it does not tell."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return read_counters(await _ask(socket))
    except OSError:
        return None


async def _ask(socket: str) -> str:
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        writer.write(_COMMANDS)
        return (await reader.read(-1)).decode("ascii", "replace")
    finally:
        writer.close()


def read_counters(text: str) -> Counters | None:
    """Read what `show stat` says about pvs/pvs and pvs_queue/pvs_serial; None if absent."""
    lines = [line.lstrip("# ") for line in text.splitlines() if line]
    heads = [line for line in lines if line.startswith("pxname,")]
    if not heads:
        return None
    rows = csv.DictReader([heads[0], *(line for line in lines if line not in heads)])
    servers = {(row["pxname"], row["svname"]): row for row in rows}
    try:
        pvs, inside = servers["pvs", "pvs"], servers["pvs_queue", "pvs_serial"]
        return Counters(
            refusals=int(pvs["hrsp_4xx"] or 0),
            failures=int(inside["chkdown"] or 0),
            up=inside["status"].startswith("UP"),
        )
    except (KeyError, TypeError, ValueError):
        return None
