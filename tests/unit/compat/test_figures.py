"""What a house of programs costs the PVS in 10 minutes, by a simulated clock, without sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from unit.compat.running import config_for
from yarl import URL

from pvs_bridge.compat.answers import Answers
from pvs_bridge.compat.certificate import Certificate
from pvs_bridge.compat.detection import Detection
from pvs_bridge.compat.new_api import NewApi
from pvs_bridge.compat.old_api import DEVICE_LIST, OldApi
from pvs_bridge.compat.pvs import Pvs, Reply
from pvs_bridge.compat.query import parse
from pvs_bridge.compat.session import Session
from pvs_bridge.compat.telemetry import VARIABLE, Telemetry
from pvs_bridge.compat.variables import Variables
from pvs_bridge.pvs.variables import texts
from pvs_sim import Options, Settings
from pvs_sim.box import Box
from pvs_sim.clock import parse_instant
from pvs_sim.wire import Request

pytestmark = pytest.mark.usefixtures("as_on_a_bridge")

OPEN, LOCKED = 61707, 61846
MINUTES, CACHE_SECONDS = 10, 30
QUERIES = ("match=/sys/devices/inverter/", "match=/sys/devices/meter/", "match=/sys/livedata/",
           "name=/sys/info/uptime,/sys/info/sw_rev")  # fmt: skip


class Bridge(Pvs):
    """haproxy's cache, and a simulated PVS behind it, at a simulated time."""

    def __init__(self, folder: Path, build: int) -> None:
        """Start at noon."""
        super().__init__("http://172.27.153.1", "", 20, Certificate(folder / "certificate"))
        settings = Settings(latency_seconds=0.0, http_api="on")
        self.noon = parse_instant("2025-06-15T20:00:00Z") or 0.0
        self.box = Box(Options(firmware=build, clock=self.noon, clock_scale=0.0, settings=settings))
        self.seconds = 0.0
        self.asked: Counter[str] = Counter()
        self.in_flight = self.most_in_flight = 0
        self._cached: dict[str, tuple[float, Reply]] = {}

    def clock(self) -> float:
        """Return the time since noon."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let the time pass."""
        self.seconds += seconds
        self.box.clock.set(self.noon + self.seconds)

    async def _get(self, url: URL, headers: Mapping[str, str]) -> Reply:
        target = url.raw_path_qs
        at, cached = self._cached.get(target, (0.0, None))
        if cached is not None and self.seconds - at < CACHE_SECONDS:
            return Reply(cached.status, cached.body, None, self.seconds - at)
        request = Request(
            f"GET {target} HTTP/1.1", "GET", target, "HTTP/1.1", tuple(headers.items())
        )
        self.asked[target] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0)
        response = await self.box.answer(request, self.box.identify(request), [])
        self.in_flight -= 1
        reply = Reply(response.status, response.body)
        if target.startswith("/cgi-bin/") and response.status == 200:
            self._cached[target] = self.seconds, reply
        return reply


@pytest.mark.parametrize("build", [OPEN, LOCKED])
@pytest.mark.parametrize(("old", "new"), [(3, 5), (0, 5), (3, 0), (0, 1)])
def test_ten_minutes_of_a_house(tmp_path: Path, build: int, old: int, new: int) -> None:
    asyncio.run(house(tmp_path, build, old, new))


async def house(folder: Path, build: int, old: int, new: int) -> None:
    """Old programs ask every 60 s, new ones every 30 s, and all at once; one hears live data."""
    pvs = Bridge(folder, build)
    config = config_for("http://172.27.153.1", folder, cache_seconds=CACHE_SECONDS)
    has_new_api = build == LOCKED

    async def locked() -> bool:
        return has_new_api

    detection = Detection(pvs, "auto", folder / "pvs.json", locked)

    async def password() -> str:
        return (await detection.known()).serial[-5:]

    session = Session(pvs, password)
    new_api, old_api = NewApi(config, session, pvs.clock), OldApi(config, pvs, pvs.clock)
    answers = Answers(config, pvs, session, detection, new_api)
    variables = Variables(detection, session, new_api, old_api)
    telemetry = Telemetry(session, new_api, variables.has_new_api, enabled=True)
    await detection.probe()

    async def old_program() -> None:
        if has_new_api:
            served = await answers.commands["DeviceList"]()
            assert not served.stale
            assert served.age_seconds <= CACHE_SECONDS
        else:
            # haproxy sends it to the PVS.
            assert (await pvs.get(DEVICE_LIST)).status == 200

    async def new_program() -> None:
        for text in QUERIES:
            served = await variables.answer(parse(text), trusted=True)
            assert served.value
            assert not served.stale
            often = has_new_api and ("meter" in text or "livedata" in text)
            allowed = CACHE_SECONDS if often else 300 + CACHE_SECONDS
            assert served.age_seconds <= allowed
            told = texts(served.value).get("/sys/livedata/time")
            # The age is true.
            assert told is None or abs(pvs.box.clock.now() - served.age_seconds - int(told)) <= 1

    # One program listens to live data. The PVS ends its connection after 10 minutes.
    await telemetry.switch(on=True)
    while pvs.seconds < MINUTES * 60:
        programs = [new_program() for _ in range(new)]
        if pvs.seconds % 60 == 0:
            programs += [old_program() for _ in range(old)]
        await asyncio.gather(*programs)
        pvs.advance(CACHE_SECONDS)
    assert pvs.most_in_flight == 1
    own = {name: count for name, count in pvs.asked.items() if "supervisor" not in name}
    if has_new_api:
        assert own.pop(DEVICE_LIST) == own.pop("/auth?login") == 1
        assert own.pop(f"/vars?name={VARIABLE}") == own.pop(f"/vars?set={VARIABLE}=1") == 1
        assert own.pop("/vars?match=/sys/") == 2
        parts = [f"/vars?match=/sys/{each}/" for each in ("devices/meter", "livedata")]
        wanted = [parts[0] if old or new else "", parts[1] if new else ""]
        assert set(own) == {each for each in wanted if each}
        assert all(count <= MINUTES * 60 / CACHE_SECONDS for count in own.values())
    else:
        # Those of the old programs serve the new ones.
        assert own == {DEVICE_LIST: MINUTES if old else 2}
    await answers.close()
    await new_api.close()
    await old_api.close()
    await pvs.close()
