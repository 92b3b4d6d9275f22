"""A hostile PVS: a client gets a clear error or the PVS's own words; a good PVS repairs everything.

The kinds of :mod:`pvs_sim.evil` run against haproxy and the compat service: with older firmware,
whose answers pass through, and with locked firmware, whose answers are translated.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from attack_table import AttackTable
from bridges.proxy.home import DEVICE_LIST, Home

from proxy_rig.compat_service import CompatService, compat_service
from proxy_rig.haproxy import Haproxy, Unpacked
from proxy_rig.world import World
from pvs_lab.process import wait_until
from pvs_sim import Simulator
from pvs_sim.evil import KINDS
from pvs_sim.evil.headers import ACTING

OPEN, LOCKED = 61707, 61846
NOT_CACHED = "/cgi-bin/dl_cgi?Command=GetDiscoveryProgress"
LONGEST = 20_000_000
# haproxy checks a PVS that has failed every 15 s, and the compat service waits up to a minute. An
# endless answer occupies both as long as the machine is busy with it.
RECOVERY_SECONDS = 180
# One of each group, and what has once got through.
CORE = ("body-endless", "chunks-size-wrong", "continue-endless-slowly",
        "early-hints", "headers-acting", "headers-length-short", "text-markup")  # fmt: skip
# haproxy cannot read these, or the PVS has closed before the answer began.
REFUSED = re.compile(
    r"chunks-size-.*|close-(at-once|in-.*)|switching-protocols"
    r"|status-(000|999)|version-(0\.9|2|ssh)"
    r"|headers-(endless.*|many|nul|bare-cr|no-.*|space-in-name|two-(lengths|encodings)"
    r"|length-(and-chunked|negative|huge)|unknown-encoding)"
)
_DROPPED = {name.lower() for name, _ in ACTING} - {
    "via", "age", "x-pvs-bridge-cache", "content-disposition", "access-control-allow-origin"
}  # fmt: skip

kinds = pytest.mark.parametrize(
    "kind", [kind if kind in CORE else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)


@dataclass(frozen=True)
class Taken:
    """What a client has got, to the byte.

    Attributes:
        raw: The bytes, 20 MB at most.
        ended: Whether the bridge has closed the connection.
    """

    raw: bytes
    ended: bool

    @property
    def final(self) -> bytes:
        """The answer, without informational ones before it."""
        rest = self.raw
        while re.match(rb"HTTP/1\.1 1\d\d ", rest):
            rest = rest.partition(b"\r\n\r\n")[2]
        return rest

    @property
    def status(self) -> int:
        """The status; 0 if there is none."""
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", self.final)
        return int(found[1]) if found else 0

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers."""
        lines = self.final.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return [
            (name.lower(), value.strip()) for name, _, value in (s.partition(":") for s in lines)
        ]

    @property
    def body(self) -> bytes:
        """The body, as it is framed."""
        return self.final.partition(b"\r\n\r\n")[2]


class House:
    """A bridge with the compat service, whose PVS may be hostile."""

    def __init__(self, home: Home, haproxy: Haproxy, compat: CompatService) -> None:
        """Store what runs."""
        self.home, self.haproxy, self.compat = home, haproxy, compat
        self.serials: set[str] = set()

    def become(self, kind: str | None) -> None:
        """Let the PVS be hostile, or good again, and end the pause that it has caused."""
        self.home.pvs.call(lambda box: box.set_settings({"evil": kind}))
        self.home.settle()
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(self.haproxy.admin_socket)
            admin.sendall(b"set server pvs_queue/pvs_serial health up\n")
            admin.recv(1000)

    def take(self, target: str = DEVICE_LIST, seconds: float = 1.5) -> Taken:
        """Ask as a client that waits for so long."""
        got, end = bytearray(), time.monotonic() + seconds
        with self.home.world.connect(80, timeout_seconds=seconds) as client:
            request = f"GET {target} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"
            client.sendall(request.encode())
            with contextlib.suppress(TimeoutError):
                while len(got) < LONGEST and time.monotonic() < end:
                    piece = client.recv(65536)
                    if not piece:
                        return Taken(bytes(got), ended=True)
                    got += piece
        return Taken(bytes(got), ended=False)

    def hang_up(self) -> None:
        """Ask, and leave after the answer has begun."""
        with contextlib.suppress(OSError):
            self.take(NOT_CACHED, 0.2)

    def devices(self) -> list[dict[str, str]] | None:
        """The devices of a good answer; None if the answer is not good."""
        with contextlib.suppress(ValueError, KeyError, OSError):
            answer = self.home.ask(timeout_seconds=10)
            if answer.status == 200 and answer.json()["result"] == "succeed":
                devices: list[dict[str, str]] = answer.json()["devices"]
                return devices
        return None

    def recovered(self) -> list[dict[str, str]]:
        """The devices of the first good answer."""
        found: list[list[dict[str, str]] | None] = [None]

        def good() -> bool:
            found[0] = self.devices()
            return found[0] is not None

        assert wait_until(good, RECOVERY_SECONDS), self.compat.log.read_text()
        assert found[0] is not None
        return found[0]


@pytest.fixture(scope="module", params=[OPEN, pytest.param(LOCKED, marks=pytest.mark.slow)])
def house(
    request: pytest.FixtureRequest, world: World, unpacked: Unpacked, pvs: Simulator
) -> Iterator[House]:
    """A bridge that shares answers for a second; the tests leave it with a good PVS."""
    pvs.call(lambda box: box.reset(state=True))
    pvs.call(lambda box: box.install(request.param))
    home = Home(world, unpacked, pvs)
    with (
        home.bridge(proxy_cache_seconds=1, proxy_client_requests_per_minute=100_000) as haproxy,
        compat_service(world, haproxy) as compat,
    ):
        made = House(home, haproxy, compat)
        made.serials = serials(made.recovered())
        yield made
        made.become(None)


def serials(devices: list[dict[str, str]]) -> set[str]:
    """Return the serial numbers, which a good answer always has."""
    return {each["SERIAL"] for each in devices}


@kinds
def test_a_hostile_answer_does_no_harm(house: House, attack_table: AttackTable, kind: str) -> None:
    home = house.home
    translated = home.pvs.call(lambda box: box.firmware.locked)
    house.become(kind)
    try:
        taken = house.take(DEVICE_LIST if translated else NOT_CACHED)
        with home.clients(3) as pool:
            for _ in range(3):
                pool.submit(house.hang_up)
        stats = home.stats()
        attack_table.add(
            f"hostile answers ({kind.partition('-')[0]})",
            attempts=4,
            arrived=stats["requests"],
            most_in_flight=stats["most_in_flight"]["total"],
        )
        assert stats["most_in_flight"]["total"] <= 1
    finally:
        house.become(None)
    # The compat service warns of a reading from before.
    assert_harmless(taken, _DROPPED - {"warning"} if translated else _DROPPED)
    if REFUSED.fullmatch(kind) and not translated:
        assert_refused(taken)
    # The compat service may have a reading from before, or need longer than the client waits.
    if translated and taken.status not in (0, 200):
        assert_refused(taken)
    # An inverter that the hostile PVS has listed is missed for a while, as a real one would be.
    assert house.serials <= serials(house.recovered())
    assert "Traceback" not in house.compat.log.read_text()
    assert not re.search(r"exited with code|SIGSEGV|SIGABRT", house.haproxy.log.read_text())


def assert_refused(taken: Taken) -> None:
    """Check that the bridge has said no in its own words."""
    assert taken.status in (502, 503, 504), taken.raw[:300]
    said = json.loads(taken.body)
    assert said["result"] == "error"
    assert said["error"]
    assert said["hint"]


def assert_harmless(taken: Taken, dropped: set[str]) -> None:
    """Check that nothing acts on the client beyond the answer."""
    names = [name for name, _ in taken.headers]
    assert not dropped & set(names), taken.headers
    assert all(b"evil" not in value.encode() for name, value in taken.headers if name == "location")
    values = dict(taken.headers)
    if taken.status:
        assert values.get("x-content-type-options") == "nosniff"
        assert "pvs-bridge" in values.get("via", "pvs-bridge")
        assert not values.get("age", "0").startswith("-")


@pytest.mark.parametrize("house", [OPEN], indirect=True)
def test_no_damaged_answer_is_shared(house: House) -> None:
    for kind in ("body-empty", "body-zero-length", "body-html", "headers-length-short",
                 "body-truncated", "chunks-without-end", "status-204-with-body"):  # fmt: skip
        house.become(kind)
        house.take(seconds=0.5)
        house.become(None)
        # Within the second for which an answer is shared.
        taken = house.take(seconds=10)
        assert b'"succeed"' in taken.body, (kind, taken.raw[:300])
        # The next one is not to get this answer.
        time.sleep(1.1)


@pytest.mark.parametrize("house", [OPEN], indirect=True)
def test_the_bridge_finds_a_good_pvs_by_itself(house: House) -> None:
    house.become("version-ssh")
    assert_refused(house.take(NOT_CACHED))
    house.home.pvs.call(lambda box: box.set_settings({"evil": None}))
    assert wait_until(lambda: house.take(NOT_CACHED).status == 200, RECOVERY_SECONDS)
