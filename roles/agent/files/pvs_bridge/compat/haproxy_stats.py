"""haproxy's counters show a restart or a refusal of the PVS without a request to it."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import dataclass

POLL_SECONDS = 1.0
_COMMANDS = b"show stat pvs 2 -1;show stat pvs_queue 4 -1\n"
_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Counters:
    """haproxy's counters since its start.

    Attributes:
        refusals: Responses of the PVS with a status of 400 to 499.
        failures: How often the health check of the PVS has failed.
        up: Whether haproxy considers the PVS up.
        device_list: The status of the PVS's last answer to DeviceList, which haproxy tells in its
            health check; None if there was none.
    """

    refusals: int
    failures: int
    up: bool
    device_list: int | None = None

    def restarted_after(self, before: Counters) -> bool:
        """Return whether the PVS was down since an earlier reading, and is up again."""
        return self.up and (self.failures != before.failures or not before.up)

    def refused_after(self, before: Counters) -> bool:
        """Return whether the PVS may have refused DeviceList since an earlier reading.

        Fewer refusals mean that haproxy was restarted, which loses the number in between.
        """
        refused = self.refusals != before.refusals or self.device_list != before.device_list
        return self.up and refused and self.device_list == 403


async def poll(socket: str) -> Counters | None:
    """Read haproxy's counters; None if it does not answer."""
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
    """Read what `show stat` says about pvs/BACKEND and pvs_queue/pvs_serial; None if absent."""
    lines = [line.lstrip("# ") for line in text.splitlines() if line]
    heads = [line for line in lines if line.startswith("pxname,")]
    if not heads:
        return None
    rows = csv.DictReader([heads[0], *(line for line in lines if line not in heads)])
    servers = {(row["pxname"], row["svname"]): row for row in rows}
    try:
        pvs, queue = servers["pvs", "BACKEND"], servers["pvs_queue", "pvs_serial"]
        return Counters(
            refusals=int(pvs["hrsp_4xx"] or 0),
            failures=int(queue["chkdown"] or 0),
            up=queue["status"].startswith("UP"),
        )
    except (KeyError, TypeError, ValueError):
        return None
