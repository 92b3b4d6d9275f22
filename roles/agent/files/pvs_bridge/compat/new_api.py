"""The variables of a PVS that has /vars, with as few requests as possible."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pvs_bridge.compat.night import fresh_seconds
from pvs_bridge.compat.query import PUBLIC, Query, Table
from pvs_bridge.compat.session import Session
from pvs_bridge.compat.single_flight import Served, SingleFlight
from pvs_bridge.config import CompatConfig
from pvs_bridge.pvs.errors import PvsError, QueryError, RefusedError, ShutOutError, SilentError

EVERYTHING = "/sys/"
"""A part of the names of all variables that most programs read."""

METERS = "/sys/devices/meter/"
LIVE = "/sys/livedata/"
_WHOLE = f"match={EVERYTHING}"

WHOLE_SECONDS = 300.0
"""How often everything is read, because the PVS measures its panels as often. The variables of
METERS and LIVE are read more often, but only if a program asks for them."""

HANG_SECONDS = 10.0
"""A PVS that has not answered a request for so long hangs on it."""

KEPT_SECONDS = 60.0
"""haproxy takes a PVS that hangs for one that restarts. What was learned by that is kept."""

_MOST_QUERIES = 32
_MOST_REMEMBERED = 256
_MOST_NAMES = 16


@dataclass(frozen=True)
class Current:
    """The variables of /sys/ at a moment.

    Attributes:
        table: All of them.
        ages: The seconds since the PVS has sent those that begin with METERS, LIVE and "".
        stale: Whether fresh ones were due, and could not be read.
        readings: The readings of which it consists; the same ones make the same table.
    """

    table: Table
    ages: Mapping[str, float]
    stale: bool
    readings: tuple[Table, ...]

    def with_part(self, part: str, read: Served[Table]) -> Current:
        """Return these with a reading of a part, if that is newer."""
        if read.age_seconds >= self.ages[part]:
            return replace(self, stale=self.stale or read.stale)
        table = {**self.table, **read.value}
        ages = {**self.ages, part: read.age_seconds}
        return Current(table, ages, self.stale or read.stale, (*self.readings, read.value))

    def of(self, wanted: Callable[[str], bool]) -> Served[Table]:
        """Return some of them, with the age of the oldest."""
        chosen = {name: value for name, value in self.table.items() if wanted(name)}
        parts = {next(p for p in (METERS, LIVE, "") if n.startswith(p)) for n in chosen}
        return Served(chosen, max((self.ages[part] for part in parts), default=0.0), self.stale)


class NewApi:
    """Reads the variables for all clients together."""

    def __init__(
        self,
        config: CompatConfig,
        session: Session,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; the first request reads from the PVS."""
        self._session = session
        self._clock = clock
        self._fresh_seconds = config.cache_seconds
        self._night_seconds = config.night_seconds
        self._stale_seconds = config.stale_seconds
        self.error: PvsError | None = None
        self._whole = self._shared(_WHOLE, WHOLE_SECONDS)
        self._parts = {
            part: self._shared(f"match={part}", self._fresh_seconds) for part in (METERS, LIVE)
        }
        # By the query for the PVS.
        self._queries: OrderedDict[str, SingleFlight[Table]] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._inside: OrderedDict[str, float] = OrderedDict()

    def forget(self) -> None:
        """Have everything read again, because the PVS has restarted."""
        self.renew()
        self._inside.clear()
        now = self._clock()
        for query, since in list(self._unknown.items()):
            if now - since > KEPT_SECONDS:
                del self._unknown[query]

    def renew(self) -> None:
        """Have everything read again, because a variable was set."""
        for each in (self._whole, *self._parts.values(), *self._queries.values()):
            each.expire()

    async def close(self) -> None:
        """Cancel running readings."""
        for each in (self._whole, *self._parts.values(), *self._queries.values()):
            await each.close()

    async def current(self, wanted: Callable[[str], bool]) -> Current:
        """Return all variables of /sys/.

        Args:
            wanted: Whether a variable is wanted as fresh as the PVS has it.

        Raises:
            PvsError: They cannot be read, and the last reading is too old.
        """
        began = self._clock()
        whole = await self._whole.get(self._fresh(max(WHOLE_SECONDS, self._fresh_seconds)))
        now = _current(whole)
        fresh = self._fresh(self._fresh_seconds)
        read_now = whole.age_seconds <= self._clock() - began
        if whole.stale or read_now or whole.age_seconds < fresh:
            return now
        for part, flight in self._parts.items():
            if not any(name.startswith(part) and wanted(name) for name in whole.value):
                continue
            try:
                read = await flight.get(fresh, waits=False)
            except PvsError:
                if now.ages[part] > self._fresh_seconds + self._stale_seconds:
                    raise
                now = replace(now, stale=True)
                continue
            if _serials(read.value, part) != _serials(whole.value, part):
                # The PVS has restarted, or lists other devices now.
                self._whole.expire()
                return _current(await self._whole.get())
            now = now.with_part(part, read)
        return now

    async def answer(self, query: Query, *, trusted: bool) -> Served[Table]:
        """Return the variables of a query, none if there are none.

        Args:
            query: What is asked for.
            trusted: Whether the PVS may be asked for what was not read yet.

        Raises:
            PvsError: They cannot be read.
        """
        if query.only_pvs_knows:
            return await self._ask(query.target()) if trusted else Served({}, 0.0, stale=False)
        if query.names:
            return await self._by_name(query, trusted=trusted)
        # Every name with this part is in the reading, but for those outside of /sys/.
        outside: Served[Table] | None = None
        if trusted and EVERYTHING not in query.match and query.match not in self._inside:
            outside = await self._ask(query.target())
            if all(EVERYTHING in name for name in outside.value):
                self._remember(self._inside, query.match)
        found = (await self.current(query.selects)).of(query.selects)
        if outside is None:
            return found
        # In the order of the PVS.
        return _joined(outside, found)

    async def _by_name(self, query: Query, *, trusted: bool) -> Served[Table]:
        names = set(query.names)
        outside = [name for name in query.names if EVERYTHING not in name]
        if len(outside) > _MOST_NAMES:
            raise QueryError(f"it must have at most {_MOST_NAMES} names outside of {EVERYTHING}")
        found: Served[Table] = Served({}, 0.0, stale=False)
        if len(outside) < len(names):
            try:
                found = (await self.current(query.selects)).of(query.selects)
            except (RefusedError, ShutOutError):
                if not names <= PUBLIC:
                    raise
                found = await self._ask(query.target(), login=False)
        for name in outside if trusted else ():
            found = _joined(found, await self._ask(f"name={name}"))
        # A PVS hangs on an unknown name, so one that the reading lacks was not asked.
        missing = [name for name in query.names if name not in found.value]
        if missing:
            raise QueryError(f"the PVS does not have {', '.join(missing)}")
        return Served({n: found.value[n] for n in query.names}, found.age_seconds, found.stale)

    async def _ask(self, query: str, *, login: bool = True) -> Served[Table]:
        """Ask the PVS, but not again for what it does not know."""
        if query in self._unknown:
            return Served({}, 0.0, stale=False)
        if query not in self._queries:
            if len(self._queries) >= _MOST_QUERIES:
                _, oldest = self._queries.popitem(last=False)
                await oldest.close()
            seconds = WHOLE_SECONDS if query.startswith("match=") else self._fresh_seconds
            self._queries[query] = self._shared(query, seconds, login=login)
        self._queries.move_to_end(query)
        began = self._clock()
        try:
            served = await self._queries[query].get()
        except SilentError:
            if self._clock() - began >= HANG_SECONDS:
                self._remember(self._unknown, query)
            raise
        if not served.value:
            self._remember(self._unknown, query)
        return served

    def _remember(self, place: OrderedDict[str, float], query: str) -> None:
        place[query] = self._clock()
        if len(place) > _MOST_REMEMBERED:
            place.popitem(last=False)

    def _shared(
        self, query: str, fresh_seconds: float, *, login: bool = True
    ) -> SingleFlight[Table]:
        async def read() -> Table:
            if not login:
                return await self._session.read_openly(query)
            try:
                found = await self._session.read(query, optional=query != _WHOLE)
            except PvsError as error:
                self.error = error
                raise
            self.error = None
            return found

        return SingleFlight(read, fresh_seconds, self._stale_seconds, self._clock)

    def _fresh(self, seconds: float) -> float:
        return fresh_seconds(seconds, self._night_seconds, self._whole.value)


def _current(whole: Served[Table]) -> Current:
    ages = dict.fromkeys((METERS, LIVE, ""), whole.age_seconds)
    return Current(whole.value, ages, whole.stale, (whole.value,))


def _serials(table: Table, part: str) -> dict[str, object]:
    """Return the serial number of each device, by the name of its variable."""
    return {n: v for n, v in table.items() if n.startswith(part) and n.endswith("/sn")}


def _joined(one: Served[Table], other: Served[Table]) -> Served[Table]:
    if not other.value:
        return one
    age = max(one.age_seconds, other.age_seconds) if one.value else other.age_seconds
    return Served({**one.value, **other.value}, age, one.stale or other.stale)
