"""What the compat service remembers of the plant's devices, beyond one reading."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.compat.devices import Beside, listed_keys, now, serials
from pvs_bridge.pvs.devices import AnswerError, read_devices
from pvs_bridge.pvs.errors import PvsError
from pvs_bridge.pvs.firmware import Identity
from pvs_bridge.pvs.known import SAVE_SECONDS, load, save
from pvs_bridge.pvs.variables import Plant

LIST_SECONDS = 86400.0
"""How often devices/list is asked for the keys without a variable. It takes the PVS 30 to 60 s."""

FIRST_LIST_SECONDS = 600.0
"""When it is asked first: a bridge that starts after a power cut meets a PVS that starts too."""

Listed = dict[str, dict[str, str | int]]


class Remembered:
    """The devices that the PVS has listed before, and the keys that only devices/list has.

    Both are kept over a restart of the Pi.
    """

    def __init__(
        self,
        folder: Path,
        read_list: Callable[[], Awaitable[bytes]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with what is stored.

        Args:
            folder: Has known.json and listed.json.
            read_list: Returns the body of devices/list.
            clock: Seconds since any moment.
        """
        self._known_file, self._listed_file = folder / "known.json", folder / "listed.json"
        self._read_list = read_list
        self._clock = clock
        self._known = self._written = load(self._known_file)
        self._written_at: float | None = None
        self._listed = _load_listed(self._listed_file)
        self._list_due = clock() + FIRST_LIST_SECONDS
        self._asking: asyncio.Task[None] | None = None

    def after(self, plant: Plant, identity: Identity | None) -> Beside:
        """Learn from a reading, and return what its DeviceList needs beside it."""
        at = now(plant)
        pvs = plant.info.get("serialnum") or (identity.serial if identity else "")
        self._known = self._known.seen(pvs, serials(plant), at)
        self._save_known()
        if self._clock() >= self._list_due and (self._asking is None or self._asking.done()):
            self._list_due = self._clock() + LIST_SECONDS
            self._asking = asyncio.ensure_future(self._ask())
        return Beside(identity, self._known.missing, self._listed)

    async def close(self) -> None:
        """Cancel a running request."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait({self._asking})

    def _save_known(self) -> None:
        written = self._written_at
        recent = written is not None and self._clock() - written < SAVE_SECONDS
        if recent or not self._known.differs(self._written):
            return
        self._written, self._written_at = self._known, self._clock()
        _try(self._known_file, lambda: save(self._known_file, self._known))

    async def _ask(self) -> None:
        """Read devices/list. If the PVS refuses it, its keys stay unknown until tomorrow."""
        try:
            found = listed_keys(read_devices(await self._read_list()))
        except (AnswerError, PvsError):
            return
        if found == self._listed:
            return
        self._listed = found
        _try(
            self._listed_file,
            lambda: atomic.write(self._listed_file, json.dumps(found).encode(), 0o600),
        )


def _load_listed(path: Path) -> Listed:
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {serial: dict(keys) for serial, keys in values.items() if isinstance(keys, Mapping)}


def _try(path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        print(f"{path}: {error.strerror}", file=sys.stderr, flush=True)
