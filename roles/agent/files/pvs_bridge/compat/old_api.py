"""The variables of a PVS that has only the old API, made from its answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pvs_bridge.compat.backwards import NETWORK_NAMES, variables_of
from pvs_bridge.compat.mapping import STORAGE
from pvs_bridge.compat.new_api import WHOLE_SECONDS
from pvs_bridge.compat.night import fresh_seconds
from pvs_bridge.compat.pvs import Pvs, Reply
from pvs_bridge.compat.query import Query, Table
from pvs_bridge.compat.single_flight import Served, SingleFlight
from pvs_bridge.config import CompatConfig
from pvs_bridge.pvs.devices import AnswerError, read_devices
from pvs_bridge.pvs.errors import DamagedError, ListRefusedError, QueryError

_CGI = "/cgi-bin/dl_cgi"
DEVICE_LIST = f"{_CGI}?Command=DeviceList"
NETWORK = f"{_CGI}?Command=Get_Comm"
STORAGE_STATUS = f"{_CGI}/energy-storage-system/status"


@dataclass(frozen=True)
class _Made:
    """Variables, and how old the answers were from which they were made."""

    table: Table
    age_seconds: float


class OldApi:
    """Makes the variables for all clients together.

    DeviceList takes the PVS seconds, so it is asked no more often than panels are measured. haproxy
    shares its answers with the programs that ask for the same.
    """

    def __init__(
        self, config: CompatConfig, pvs: Pvs, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare; the first request asks the PVS."""
        self._pvs = pvs
        self._fresh_seconds, self._night_seconds = config.cache_seconds, config.night_seconds
        stale = config.stale_seconds
        self._devices = SingleFlight(self._read_devices, WHOLE_SECONDS, stale, clock)
        self._network = SingleFlight(self._read_network, WHOLE_SECONDS, stale, clock)

    def forget(self) -> None:
        """Have everything read again, because the PVS has restarted."""
        self._devices.expire()
        self._network.expire()

    async def close(self) -> None:
        """Cancel running requests."""
        await self._devices.close()
        await self._network.close()

    async def answer(self, query: Query) -> Served[Table]:
        """Return the variables of a query, none if there are none.

        Raises:
            PvsError: They cannot be made.
        """
        if query.only_pvs_knows:
            return Served({}, 0.0, stale=False)
        held = self._devices.value
        by_day = max(WHOLE_SECONDS, self._fresh_seconds)
        fresh = fresh_seconds(by_day, self._night_seconds, held.table if held else None)
        parts = [await self._devices.get(fresh)]
        if any(map(query.selects, NETWORK_NAMES)):
            parts.append(await self._network.get(fresh))
        table = {name: value for part in parts for name, value in part.value.table.items()}
        missing = [name for name in query.names if name not in table]
        if missing:
            raise QueryError(f"the PVS's old API has no value for {', '.join(missing)}")
        return Served(
            {name: table[name] for name in query.names or table if query.selects(name)},
            max(part.age_seconds + part.value.age_seconds for part in parts),
            any(part.stale for part in parts),
        )

    async def _read_devices(self) -> _Made:
        reply = await self._pvs.get(DEVICE_LIST)
        if reply.status == 403:
            raise ListRefusedError
        try:
            devices = read_devices(reply.body)
        except AnswerError as error:
            raise DamagedError(str(error)) from None
        report = None
        if any(device.get("DEVICE_TYPE") == STORAGE.device_type for device in devices):
            report = _object(await self._pvs.get(STORAGE_STATUS), "ess_report")
        return _Made(variables_of(devices, report), reply.age_seconds)

    async def _read_network(self) -> _Made:
        reply = await self._pvs.get(NETWORK)
        status = _object(reply, "networkstatus")
        return _Made(variables_of([], network=status), reply.age_seconds)


def _object(reply: Reply, key: str) -> Mapping[str, Any]:
    """Return an object in an answer.

    Raises:
        DamagedError: It is not there.
    """
    try:
        part: Any = json.loads(reply.body.decode())[key]
    except (ValueError, TypeError, KeyError, RecursionError):
        part = None
    if reply.status != 200 or not isinstance(part, Mapping):
        raise DamagedError(f"it does not have {key}")
    return part
