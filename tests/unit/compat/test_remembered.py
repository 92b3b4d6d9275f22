"""Devices that the PVS has listed before are not forgotten when it restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from unit.compat.conftest import Boot, Serve

from pvs_bridge.compat import remembered
from pvs_bridge.compat.answers import DEVICES_LIST
from pvs_bridge.compat.remembered import FIRST_LIST_SECONDS, LIST_SECONDS, Remembered
from pvs_bridge.pvs import known
from pvs_bridge.pvs.errors import DamagedError
from pvs_bridge.pvs.known import FORGET_SECONDS, SAVE_SECONDS, Known, load
from pvs_bridge.pvs.variables import Plant, sort_plant
from pvs_sim import Simulator
from pvs_sim.client import Control

NOW = 1_750_000_000


def plant(*serials: str, at: int = NOW, pvs: str = "ZT1") -> Plant:
    """Return a reading with these inverters."""
    told = {"/sys/livedata/time": str(at), "/sys/info/serialnum": pvs}
    for index, serial in enumerate(serials):
        told[f"/sys/devices/inverter/{index}/sn"] = serial
    return sort_plant(told)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        """Start at any moment."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def refused() -> bytes:
    """Answer devices/list as a firmware that has closed it."""
    raise DamagedError("its status is 403")


def begin(folder: Path, clock: Clock, read: Callable[[], Awaitable[bytes]] = refused) -> Remembered:
    """Start what the service remembers."""
    return Remembered(folder, read, clock)


def test_a_missing_inverter_is_known_until_it_returns(tmp_path: Path) -> None:
    kept = begin(tmp_path, Clock())
    assert kept.after(plant("E1", "E2", "E3"), None).missing == ()
    assert kept.after(plant("E2"), None).missing == ("E1", "E3")
    assert kept.after(plant("E2", "E3"), None).missing == ("E1",)
    assert kept.after(plant("E1", "E2", "E3"), None).missing == ()


def test_it_is_known_after_a_restart_of_the_pi(tmp_path: Path) -> None:
    begin(tmp_path, Clock()).after(plant("E1", "E2"), None)
    assert begin(tmp_path, Clock()).after(plant(), None).missing == ("E1", "E2")


def test_another_pvs_has_other_inverters(tmp_path: Path) -> None:
    kept = begin(tmp_path, Clock())
    kept.after(plant("E1", "E2"), None)
    assert kept.after(plant("E3", pvs="ZT2"), None).missing == ()


def test_a_removed_inverter_is_forgotten_after_two_weeks(tmp_path: Path) -> None:
    kept = begin(tmp_path, Clock())
    kept.after(plant("E1", "E2"), None)
    kept.after(plant("E1"), None)
    almost = NOW + int(FORGET_SECONDS) - 1
    assert kept.after(plant("E1", at=almost), None).missing == ("E2",)
    assert kept.after(plant("E1", at=almost + 1), None).missing == ()


def test_the_card_is_written_once_an_hour_at_most_and_only_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, written = Clock(), 0

    def count(path: Path, seen: Known) -> None:
        nonlocal written
        written += 1
        known.save(path, seen)

    monkeypatch.setattr(remembered, "save", count)

    async def live() -> None:
        kept = begin(tmp_path, clock)
        for minute in range(60 * 24):
            clock.now += 60
            kept.after(plant(*(["E1", "E2"] if minute < 720 else ["E1"])), None)
        assert written == 2
        # A PVS that lists other inverters each time does not wear the card out.
        for minute in range(60):
            clock.now += 60
            kept.after(plant(f"E{minute + 10}"), None)
        assert written <= 4
        clock.now += SAVE_SECONDS
        kept.after(plant("E9"), None)
        await kept.close()

    asyncio.run(live())
    assert "E9" in load(tmp_path / "known.json").missing_since


def test_the_number_of_known_devices_is_limited() -> None:
    seen = Known()
    for begin_at in range(0, 5000, 100):
        seen = seen.seen("ZT1", [f"E{begin_at + each}" for each in range(100)], 1.0)
    assert len(seen.missing_since) == 500
    assert seen.missing_since["E4999"] is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"pvs": "ZT1", "missing_since": []}', b"\xff",
             b'{"pvs": "ZT1", "missing_since": {"E1": []}}'],
)  # fmt: skip
def test_a_damaged_file_is_nothing(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "known.json").write_bytes(body)
    (tmp_path / "listed.json").write_bytes(body)
    kept = begin(tmp_path, Clock())
    assert kept.after(plant("E1"), None).missing == ()


# devices/list

LISTED = {"result": "succeed", "devices": [
    {"DEVICE_TYPE": "Inverter", "SERIAL": "E1", "SWVER": "4.40.1", "PANEL": "SPR-X22-360-E-AC"},
]}  # fmt: skip


def test_devices_list_is_asked_once_a_day_and_not_right_after_a_start(tmp_path: Path) -> None:
    clock, asked = Clock(), 0

    async def read() -> bytes:
        nonlocal asked
        asked += 1
        return json.dumps(LISTED).encode()

    async def live() -> None:
        kept = begin(tmp_path, clock, read)
        for _ in range(3 * 24 * 12):
            clock.now += 300
            beside = kept.after(plant("E1"), None)
            await asyncio.sleep(0)
            if clock.now <= 1000 + FIRST_LIST_SECONDS - 300:
                assert asked == 0
        assert beside.listed == {"E1": {"PANEL": "SPR-X22-360-E-AC", "SWVER": "4.40.1"}}
        await kept.close()

    asyncio.run(live())
    assert asked == 3
    assert LIST_SECONDS == 86400
    # A restart of the Pi does not lose it.
    assert begin(tmp_path, Clock()).after(plant("E1"), None).listed["E1"]["SWVER"] == "4.40.1"


def test_a_closed_devices_list_leaves_its_keys_unknown(tmp_path: Path) -> None:
    async def live() -> Any:  # noqa: ANN401 - a mapping
        clock = Clock()
        kept = begin(tmp_path, clock)
        clock.now += FIRST_LIST_SECONDS
        kept.after(plant("E1"), None)
        await asyncio.sleep(0)
        return kept.after(plant("E1"), None).listed

    assert asyncio.run(live()) == {}


# The service


def states(pvs: Simulator, serve: Serve, **chosen: Any) -> Any:  # noqa: ANN401 - a service
    """Return a service that has read the plant once."""
    compat = serve(pvs, cache_seconds=0, **chosen)
    assert compat.get().status == 200
    return compat


def test_after_a_restart_of_the_pvs_every_inverter_is_still_listed(
    boot: Boot, serve: Serve
) -> None:
    pvs = boot(panels=21)
    compat = states(pvs, serve)
    control = Control(pvs.control_url)
    control.post("settings", incomplete_seconds=3600, incomplete_inverters=8)
    control.post("restart", seconds=0)
    inverters = compat.get().devices("Inverter")
    assert len(inverters) == 21
    lost = [each for each in inverters if each["STATEDESCR"] == "Missing"]
    assert [each["STATE"] for each in lost] == ["error"] * 13
    assert all("p_3phsum_kw" not in each for each in lost)
    control.post("settings", incomplete_seconds=0)
    control.post("restart", seconds=0)
    assert {each["STATE"] for each in compat.get().devices("Inverter")} == {"working"}


@pytest.mark.parametrize(("access", "version"), [("session", "4.40.1"), ("closed", "")])
def test_devices_list_gives_the_constant_keys(
    boot: Boot, serve: Serve, monkeypatch: pytest.MonkeyPatch, access: str, version: str
) -> None:
    monkeypatch.setattr(remembered, "FIRST_LIST_SECONDS", 0.0)
    pvs = boot(panels=2, devices_list=access)
    compat = states(pvs, serve)
    for _ in range(50):
        compat.get()
        if pvs.stats()["by_path"].get(DEVICES_LIST):
            break
    inverter = compat.get().devices("Inverter")[0]
    assert inverter["SWVER"] == version
    assert (inverter["PANEL"] == "SPR-X22-360-E-AC") == (access == "session")
    assert ("dl_flash_avail" in compat.get().devices("PVS")[0]) == (access == "session")
    assert pvs.stats()["logins"] == 1
