"""A lab's bridge with a PVS whose firmware changes, and the home's client programs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridges.rollback.bridge import Bridge

from pvs_lab import enter
from pvs_lab.process import wait_until

OPEN, LOCKED, LOCKED_PVS5 = 61707, 61846, 5412
DEVICE_LIST = "http://bridge/cgi-bin/dl_cgi?Command=DeviceList"
CACHE_SECONDS = 2
STALE_SECONDS = 12
VARIABLES: dict[str, Any] = {
    "proxy_cache_seconds": CACHE_SECONDS,
    "compat_stale_seconds": STALE_SECONDS,
}
_CLIENTS = Path(__file__).resolve().parent / "clients"
_BACK_SECONDS = 60
"""The time for haproxy, which checks an absent PVS every 15 s, and the compat service."""


class House(Bridge):
    """A lab whose Pi is a bridge."""

    def install(self, build: int) -> None:
        """Install other firmware by a restart of the PVS, and wait until the bridge answers.

        Raises:
            AssertionError: it does not in time.
        """
        if self.record()["firmware"] != build:
            self.simulator(
                "/_sim/firmware",
                {"build": build, "restart": True, "seconds": 2 * CACHE_SECONDS},
            )
            # Then no answer of the firmware before is fresh.
            time.sleep(CACHE_SECONDS)
        locked = build in (LOCKED, LOCKED_PVS5)
        wanted = "1.1 pvs-bridge-compat" if locked else "1.1 pvs-bridge"
        answer: dict[str, Any] = {}

        def is_so() -> bool:
            nonlocal answer
            # haproxy may have DeviceList from the probe of the compat service, before its own check
            # has found that the firmware has changed.
            (answer,) = self.program("poll", "bridge", "0", "1", "Get_Comm")
            good = answer["result"] == "succeed" and "warning" not in answer["headers"]
            return good and answer["headers"].get("via") == wanted

        if not wait_until(is_so, _BACK_SECONDS):
            raise AssertionError(f"build {build} is not answered by {wanted}: {answer}")

    def program(self, name: str, *arguments: str) -> list[dict[str, Any]]:
        """Run one of the home's programs to its end; return the lines of JSON that it prints.

        Raises:
            AssertionError: it failed; what it said is in the message.
        """
        with self.running_program(name, *arguments) as process:
            printed, said = process.communicate(timeout=120)
        assert process.returncode == 0, said  # noqa: S101 - for tests
        return [json.loads(line) for line in printed.splitlines()]

    @contextlib.contextmanager
    def running_program(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run one of the home's programs in the background."""
        words = [sys.executable, str(_CLIENTS / f"{name}.py"), *arguments]
        with subprocess.Popen(
            enter.command_on(self.name, "client", words),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                process.kill()

    def services(self) -> str:
        """Return the process numbers of the services, to detect restarts."""
        return self.output(
            "bridge",
            "systemctl show haproxy pvs-bridge-compat "
            "--property=Id,MainPID,NRestarts,ActiveEnterTimestampMonotonic,ActiveState",
        )

    def health(self) -> dict[str, Any]:
        """Return the result of the Pi's health check."""
        found: dict[str, Any] = json.loads(self.run("bridge", "pvs-bridge health --json")[1])
        return found

    def reset(self) -> None:
        """Clear the log of the PVS."""
        self.simulator("/_sim/reset", {})

    def record(self) -> dict[str, Any]:
        """Return the requests to the PVS since then."""
        return self.simulator("/_sim/stats?log=0")
