"""The answers of the old API, with as few requests to the PVS as possible."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.battery import storage_report
from pvs_bridge.compat.detection import Detection
from pvs_bridge.compat.devices import device_list
from pvs_bridge.compat.mapping import GRID_PROFILE, SUPERVISOR
from pvs_bridge.compat.network_status import STATES, network_status
from pvs_bridge.compat.new_api import LIVE, METERS, Current, NewApi
from pvs_bridge.compat.pvs import Pvs
from pvs_bridge.compat.query import Table
from pvs_bridge.compat.remembered import Remembered
from pvs_bridge.compat.session import Session
from pvs_bridge.compat.single_flight import Served, SingleFlight
from pvs_bridge.config import CompatConfig
from pvs_bridge.pvs.errors import DamagedError, PvsError, UntranslatableError
from pvs_bridge.pvs.firmware import SUPERVISOR_INFO, from_supervisor_info
from pvs_bridge.pvs.variables import Plant, sort_plant, texts

_TIME = "/sys/livedata/time"

_CGI = "/cgi-bin/dl_cgi"
DEVICES_LIST = f"{_CGI}/devices/list"
"""A session still gets the old list here on build 61846, but a firmware may close it."""

_PASSED = ("network/interfaces", "network/powerProduction")
"""By the vendor's documentation, a session still gets these. No variable tells their content."""

_REFUSED = (401, 403, 404)
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
        variables: NewApi,
    ) -> None:
        """Prepare; the first request reads from the PVS."""
        self._pvs = pvs
        self._session = session
        self._detection = detection
        self._variables = variables
        fresh, stale = config.cache_seconds, config.stale_seconds
        self._remembered = Remembered(Path(config.state_file).parent, self._read_list)
        self._made_from: tuple[Table, ...] = ()
        self._made: Reading | None = None
        self._network_status = SingleFlight(self._read_network_status, fresh, stale)
        self._information = SingleFlight(self._read_information, fresh, stale)
        self._passed = {
            path: SingleFlight(partial(self._read_passed, path), fresh, stale) for path in _PASSED
        }
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
            **{path: partial(_known, flight) for path, flight in self._passed.items()},
        }

    async def close(self) -> None:
        """Cancel running readings."""
        for reading in (self._network_status, self._information, *self._passed.values()):
            await reading.close()
        await self._remembered.close()

    async def _devices(self) -> Served[bytes]:
        served = await self.plant()
        return Served(served.value.devices, served.age_seconds, served.stale)

    async def _storage(self) -> Served[bytes]:
        served = await self.plant()
        return Served(served.value.storage, served.age_seconds, served.stale)

    async def plant(self) -> Served[Reading]:
        """Return the plant, with its meters as fresh as the PVS has them.

        Raises:
            PvsError: It cannot be read.
        """
        current = await self._variables.current(lambda name: name.startswith(METERS))
        same = [id(each) for each in current.readings] == [id(each) for each in self._made_from]
        if self._made is None or not same:
            self._made, self._made_from = self._make(current), current.readings
        return Served(self._made, current.ages[METERS], current.stale)

    def _make(self, current: Current) -> Reading:
        variables = texts(current.table)
        seconds = values.epoch(variables.get(_TIME))
        if seconds is not None:
            # The time goes on while only the meters are read.
            variables[_TIME] = str(seconds + int(current.ages[LIVE] - current.ages[METERS]))
        plant = sort_plant(variables)
        devices = device_list(plant, self._remembered.after(plant, self._detection.identity))
        return Reading(plant, body({"devices": devices, **_SUCCEED}), body(storage_report(plant)))

    async def _read_network_status(self) -> bytes:
        served = await self.plant()
        states = texts(await self._session.read(f"match={STATES}", optional=True))
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

    async def _read_passed(self, path: str) -> bytes:
        """Return the PVS's own answer; empty if it refuses."""
        reply = await self._session.get(f"{_CGI}/{path}")
        if reply.status in _REFUSED:
            # This logs in again if the session has ended.
            await self._session.read(f"match={LIVE}")
            reply = await self._session.get(f"{_CGI}/{path}")
        if reply.status in _REFUSED:
            return b""
        if reply.status != 200 or not _is_object(reply.body):
            raise DamagedError(f"the status of {path} is {reply.status}")
        return reply.body


async def _known(flight: SingleFlight[bytes]) -> Served[bytes]:
    served = await flight.get()
    if not served.value:
        raise UntranslatableError
    return served


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text.decode()), dict)
    except (ValueError, RecursionError):
        return False


def _always(answer: Mapping[str, Any]) -> Answer:
    """Answer a command without an effect, or without data in the new API."""

    async def answered() -> Served[bytes]:
        return Served(body(answer), 0.0, stale=False)

    return answered


def body(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as a PVS formats it."""
    return (json.dumps(answer) + "\n").encode()


def refusal_body(error: PvsError) -> bytes:
    """Return what a program is told in place of an answer."""
    issue = error.issue
    return body({"result": "error", "error": issue.problem, "hint": issue.hint})
