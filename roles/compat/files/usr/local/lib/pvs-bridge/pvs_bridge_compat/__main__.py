#!/usr/bin/env python3
"""pvs-bridge-compat: answers a PVS's older API out of its newer one, for haproxy to ask."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# As a command, Python would not look for the package beside this folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pvs_bridge_compat.config import Config, ConfigError, read_config
from pvs_bridge_compat.service import Service


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until somebody ends it; return the exit status."""
    parser = argparse.ArgumentParser(prog="pvs-bridge-compat", description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/pvs-bridge/compat.json"),
        metavar="FILE",
        help="sockets, times and password (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(read_config(options.config)))
    except (ConfigError, OSError) as error:
        print(f"pvs-bridge-compat: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(config: Config) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    service = Service(config)
    try:
        await service.start()
        await ended.wait()
    finally:
        await service.stop()


if __name__ == "__main__":
    sys.exit(main())
