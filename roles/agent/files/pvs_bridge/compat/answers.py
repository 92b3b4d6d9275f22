"""The answers of the old API, with as few requests to the PVS as possible."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.battery import storage_report
from pvs_bridge.compat.detection import Detection
from pvs_bridge.compat.devices import device_list
from pvs_bridge.compat.mapping import GRID_PROFILE, SUPERVISOR
from pvs_bridge.compat.network_status import STATES, network_status
from pvs_bridge.compat.pvs import Pvs
from pvs_bridge.compat.remembered import Remembered
from pvs_bridge.compat.session import Session
from pvs_bridge.compat.single_flight import Served, SingleFlight
from pvs_bridge.config import CompatConfig
from pvs_bridge.pvs.errors import DamagedError
from pvs_bridge.pvs.firmware import SUPERVISOR_INFO, from_supervisor_info
from pvs_bridge.pvs.variables import Plant, sort_plant

EVERYTHING = "/sys/"
"""The common prefix of all variables that the answers about devices need."""

METERS = "/sys/devices/meter/"
_TIME = "/sys/livedata/time"

WHOLE_SECONDS = 300.0
"""How often everything is read, because the PVS measures its panels as often; meters more often."""

DEVICES_LIST = "/cgi-bin/dl_cgi/devices/list"
"""A session still gets the old list here on build 61846, but a firmware may close it."""

_SUCCEED = {"result": "succeed"}


@dataclass(frozen=True)
class Reading:
    """One reading of the plant, and the bodies made from it."""

    plant: Plant
    devices: bytes
    storage: bytes


Answer = Callable[[], Awaitable[Served[bytes]]]


class Answers:
    """The answers of the old API that the new one has data for."""

    def __init__(
        self,
        config: CompatConfig,
        pvs: Pvs,
        session: Session,
        detection: Detection,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; the first request reads from the PVS."""
        self._pvs = pvs
        self._session = session
        self._detection = detection
        fresh, stale = config.cache_seconds, config.stale_seconds
        self._clock = clock
        self._whole: Mapping[str, str] = {}
        self._whole_at: float | None = None
        self._remembered = Remembered(Path(config.state_file).parent, self._read_list)
        self.plant = SingleFlight(self._read_plant, fresh, stale)
        self._network_status = SingleFlight(self._read_network_status, fresh, stale)
        self._information = SingleFlight(self._read_information, fresh, stale)
        self.commands: Mapping[str, Answer] = {
            "DeviceList": self._devices,
            "Get_Comm": self._network_status.get,
            "GridProfileGet": _always({**_SUCCEED, **GRID_PROFILE}),
            "CheckFW": _always({"url": "none"}),
            "GetCellPurchased": _always({"cell_purchased": "null"}),
            "GetSupervisorInformation": self._information.get,
            "Start": self._information.get,
            "Stop": _always(_SUCCEED),
        }
        self.paths: Mapping[str, Answer] = {
            "supervisor/info": self._information.get,
            "devices/list": self._devices,
            "energy-storage-system/status": self._storage,
            "communication/interfaces": self._network_status.get,
        }

    def forget(self) -> None:
        """Have the next reading read everything, because the PVS has restarted."""
        self._whole_at = None

    async def close(self) -> None:
        """Cancel running readings."""
        for reading in (self.plant, self._network_status, self._information):
            await reading.close()
        await self._remembered.close()

    async def _devices(self) -> Served[bytes]:
        served = await self.plant.get()
        return Served(served.value.devices, served.age_seconds, served.stale)

    async def _storage(self) -> Served[bytes]:
        served = await self.plant.get()
        return Served(served.value.storage, served.age_seconds, served.stale)

    async def _read_plant(self) -> Reading:
        plant = sort_plant(await self._read_variables())
        devices = device_list(plant, self._remembered.after(plant, self._detection.identity))
        return Reading(plant, body({"devices": devices, **_SUCCEED}), body(storage_report(plant)))

    async def _read_variables(self) -> Mapping[str, str]:
        """Read everything, or, if that was done not long ago, the meters."""
        whole, at = self._whole, self._whole_at
        if at is None or self._clock() - at >= WHOLE_SECONDS:
            return await self._read_everything()
        known = _serials(whole)
        read = await self._session.read(METERS, optional=True) if known else {}
        if _serials(read) != known:
            # The PVS has restarted, or lists other devices now.
            return await self._read_everything()
        seconds = values.epoch(whole.get(_TIME))
        passed = int(self._clock() - at)
        now = {} if seconds is None else {_TIME: str(seconds + passed)}
        others = {name: value for name, value in whole.items() if not name.startswith(METERS)}
        return {**others, **(read or whole), **now}

    async def _read_everything(self) -> Mapping[str, str]:
        self._whole_at = None
        self._whole = await self._session.read(EVERYTHING)
        self._whole_at = self._clock()
        return self._whole

    async def _read_network_status(self) -> bytes:
        served = await self.plant.get()
        states = await self._session.read(STATES, optional=True)
        return body({**_SUCCEED, "networkstatus": network_status(served.value.plant, states)})

    async def _read_information(self) -> bytes:
        reply = await self._pvs.get(SUPERVISOR_INFO)
        if reply.status == 200 and from_supervisor_info(reply.body) is not None:
            return reply.body
        # Build 5408 describes nothing there.
        identity = await self._detection.known()
        told: dict[str, Any] = {
            **SUPERVISOR,
            "SWVER": identity.version,
            "SERIAL": identity.serial,
            "MODEL": identity.model,
        }
        return body({**_SUCCEED, "supervisor": told})

    async def _read_list(self) -> bytes:
        reply = await self._session.get(DEVICES_LIST)
        if reply.status != 200:
            raise DamagedError(f"its status is {reply.status}")
        return reply.body


def _serials(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the serial number of each meter, by the name of its variable."""
    return {n: v for n, v in variables.items() if n.startswith(METERS) and n.endswith("/sn")}


def _always(answer: Mapping[str, Any]) -> Answer:
    """Answer a command without an effect, or without data in the new API."""

    async def answered() -> Served[bytes]:
        return Served(body(answer), 0.0, stale=False)

    return answered


def body(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as a PVS formats it."""
    return (json.dumps(answer) + "\n").encode()
