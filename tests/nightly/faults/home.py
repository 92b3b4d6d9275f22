"""A bridge in a home where something goes wrong, and a program there that asks it throughout."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridges.rollback.bridge import Bridge

from pvs_lab import cgroup, enter

DEVICE_LIST = "http://bridge/cgi-bin/dl_cgi?Command=DeviceList"
VARIABLES: dict[str, Any] = {
    "console_dns_enabled": True,
    # The answer that all share hides no fault for longer than that.
    "proxy_cache_seconds": 2,
}
_CLOCK = "/etc/clock"
_FAKE = """[Manager]
DefaultEnvironment="LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1" \\
  "FAKETIME_TIMESTAMP_FILE=/etc/clock" "FAKETIME_CACHE_DURATION=1" "NO_FAKE_STAT=1" \\
  "FAKETIME_DONT_FAKE_MONOTONIC=1" "DONT_FAKE_MONOTONIC=1" "FAKETIME_DISABLE_SHM=1"
"""
# These programs hang or crash under libfaketime, whatever the time.
_NOT_FAKED = ("NetworkManager", "NetworkManager-wait-online", "avahi-daemon", "haproxy")
_WITHOUT = """[Service]
UnsetEnvironment=LD_PRELOAD
"""
_ASKING = Path(__file__).with_name("asking.py")
_GOOD = "succeed"
# So many good answers, one a second, and it is well again.
_STEADY = 5


@dataclass(frozen=True)
class Question:
    """One question of the program.

    Attributes:
        began: when it was asked, in seconds of the clock that only grows.
        ended: when it had its answer, or was given up.
        said: ``succeed``, or what came instead.
    """

    began: float
    ended: float
    said: str

    @property
    def lost(self) -> bool:
        """Whether there was no good answer."""
        return self.said != _GOOD


class Record:
    """What became of the questions so far."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._questions: list[Question] = []

    def add(self, question: Question) -> None:
        """Take one down that has ended."""
        with self._lock:
            self._questions.append(question)

    def asked(self, since: float = 0.0, until: float = float("inf")) -> list[Question]:
        """Those that were asked in a time, in this order."""
        with self._lock:
            found = [each for each in self._questions if since <= each.began < until]
        return sorted(found, key=lambda each: each.began)

    def steady(self, since: float) -> bool:
        """Whether the newest of those that were asked since then are good."""
        newest = self.asked(since)[-_STEADY:]
        return len(newest) == _STEADY and not any(each.lost for each in newest)

    def recovered(self, since: float) -> float:
        """Seconds from then until the first answer behind which no more question was lost.

        Raises:
            LookupError: there is none.
        """
        begun = self.asked(since)
        last_lost = max((each.began for each in begun if each.lost), default=since)
        good = [each.ended for each in begun if each.began >= last_lost and not each.lost]
        if not good:
            raise LookupError(f"no good answer: {begun[-_STEADY:]}")
        return min(good) - since


class Home(Bridge):
    """A lab whose Pi is a bridge."""

    @contextlib.contextmanager
    def asking(self) -> Iterator[Record]:
        """Have the client ask for DeviceList once a second, as long as a ``with`` lasts."""
        record = Record()
        command = enter.command_on(self.name, "client", [sys.executable, str(_ASKING), DEVICE_LIST])
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as program:
            reader = threading.Thread(target=_take_down, args=(program.stdout, record))
            reader.start()
            try:
                yield record
            finally:
                assert program.stdin is not None  # noqa: S101 - for the type checker
                program.stdin.close()
                reader.join()

    @contextlib.contextmanager
    def cable_out(self, side: str) -> Iterator[None]:
        """Have one of the bridge's cables out as long as a ``with`` lasts: ``pvs`` or ``home``."""
        self.say("cable", side, "out")
        try:
            yield
        finally:
            self.say("cable", side, "in")

    @contextlib.contextmanager
    def pvs_that_takes(self, seconds: float) -> Iterator[None]:
        """Have the PVS work so long on a DeviceList as long as a ``with`` lasts."""
        usual = self.simulator("/_sim/settings")["latency_seconds"]
        self.simulator("/_sim/settings", {"latency_seconds": seconds})
        try:
            yield
        finally:
            self.simulator("/_sim/settings", {"latency_seconds": usual})

    @contextlib.contextmanager
    def memory_left(self, mib: int) -> Iterator[None]:
        """Leave the lab so much more memory than it needs as long as a ``with`` lasts."""
        cgroup.leave_memory(self.name, mib)
        try:
            yield
        finally:
            cgroup.leave_memory(self.name, None)

    @contextlib.contextmanager
    def own_clock(self) -> Iterator[Callable[[float], None]]:
        """Have the services of the Pi a clock of their own, from its next boot on.

        It is the kernel's, which the container shares with this machine, and as many seconds more
        as the function says that is yielded; at the end of the ``with`` the Pi boots without it.
        """

        def set_clock(seconds: float) -> None:
            self.output("bridge", f"echo {seconds:+.0f} > {_CLOCK}")

        set_clock(0)
        files = {"/etc/systemd/system.conf.d/zz-clock.conf": _FAKE} | {
            f"/etc/systemd/system/{unit}.service.d/zz-clock.conf": _WITHOUT for unit in _NOT_FAKED
        }
        for file, text in files.items():
            write = f"printf %s {shlex.quote(text)} > {file}"
            self.output("bridge", f"mkdir -p {Path(file).parent} && {write}")
        try:
            yield set_clock
        finally:
            self.output("bridge", f"rm {_CLOCK} {' '.join(files)}")
            self.reboot()

    def is_well(self) -> bool:
        """Whether the home gets a DeviceList just now."""
        ask = f"curl --silent --max-time 10 '{DEVICE_LIST}'"
        return f'"result": "{_GOOD}"' in self.run("client", ask)[1]

    def link_address(self) -> str:
        """What ``ip`` says of the Pi's addresses towards the PVS."""
        return self.output("bridge", "ip -4 -brief address show dev eth0")

    def page(self) -> dict[str, Any]:
        """How the bridge says it is."""
        command = "curl --fail --silent http://bridge/bridge/status.json"
        page: dict[str, Any] = json.loads(self.output("client", command))
        return page

    def events(self) -> str:
        """What the bridge has written down of what went wrong."""
        return self.output("bridge", "cat /var/lib/pvs-bridge-monitor/events.jsonl")

    def seconds_until(self, condition: Callable[[], bool], patience_seconds: float) -> float:
        """Wait for something; how long it took.

        Raises:
            AssertionError: it does not come true in time.
        """
        started = time.monotonic()
        assert self.until(condition, patience_seconds)  # noqa: S101 - for tests
        return time.monotonic() - started


def _take_down(lines: Any, record: Record) -> None:  # noqa: ANN401 - a pipe's end
    for line in lines:
        record.add(Question(**json.loads(line)))
