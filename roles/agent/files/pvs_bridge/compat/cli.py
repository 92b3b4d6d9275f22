"""pvs-bridge compat: serve the old API of a PVS with data of its new one, behind haproxy."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.compat.service import Service
from pvs_bridge.config import CompatConfig, ConfigError, read_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status."""
    parser = argparse.ArgumentParser(prog="pvs-bridge compat", description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/pvs-bridge/compat.json"),
        metavar="FILE",
        help="sockets, times and password (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(read_config(options.config, CompatConfig)))
    except (ConfigError, OSError) as error:
        print(f"pvs-bridge compat: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(config: CompatConfig) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    service = Service(config)
    try:
        await service.start()
        await ended.wait()
    finally:
        await service.stop()
