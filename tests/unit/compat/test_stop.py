"""The service stops at once, at any moment.

On Python 3.11, `asyncio.wait_for` drops a cancellation that arrives together with the result.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from unit.compat.running import config_for

from pvs_bridge.compat import service
from pvs_bridge.compat.service import Service

STOPS = 300
STOP_SECONDS = 10.0
STATISTICS = (
    b"# pxname,svname,status,hrsp_4xx,chkdown\npvs,BACKEND,UP,0,\npvs_queue,pvs_serial,UP,,0\n"
)


async def _statistics(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as haproxy's statistics socket does."""
    await reader.readline()
    writer.write(STATISTICS)
    writer.close()


async def _stop_after(cycles: int, folder: Path) -> None:
    """Stop a service that polls without a pause, after some cycles of the event loop."""
    stats_socket = str(folder / "stats.sock")
    async with await asyncio.start_unix_server(_statistics, stats_socket):
        running = Service(config_for("http://127.0.0.1:9", folder, stats_socket=stats_socket))
        await running.start()
        for _ in range(cycles):
            await asyncio.sleep(0)
        async with asyncio.timeout(STOP_SECONDS):
            await running.stop()


def test_each_stop_ends_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "POLL_SECONDS", 0.0)
    for cycles in range(STOPS):
        asyncio.run(_stop_after(cycles, tmp_path))
