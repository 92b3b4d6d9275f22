"""haproxy is killed, restarted or reloaded under load: the PVS never gets two requests at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from attack_table import AttackTable
from bridges.compat.house import LOCKED, OPEN, House

_MAIN = "$(systemctl show --property=MainPID --value haproxy)"
ENDS = {
    "its worker is killed": f"pkill -KILL -P {_MAIN}",
    "its master is killed": f"kill -KILL {_MAIN}",
    "all of it is killed": "systemctl kill --signal=KILL haproxy",
    "restart": "systemctl restart haproxy",
    "reload": "systemctl reload haproxy",
}
TARGETS = ("/cgi-bin/dl_cgi?Command=DeviceList", "/cgi-bin/dl_cgi?Command=ExportLimitGet",
           "/vars?name=/sys/info/model", "/vars?name=/sys/info/uptime")  # fmt: skip
# A command takes longer than a start of haproxy. The simulator closes an encrypted connection as
# soon as the client does, which leaves only the two seconds before the start.
DELAYS = [{"kind": "delay", "path": path, "seconds": seconds}
          for path, seconds in (("/cgi-bin", 5.0), ("/vars", 1.5))]  # fmt: skip
WORKS_ON = {OPEN: "cgi", LOCKED: "varserver"}
"""What the PVS works on when haproxy ends, by its firmware."""

CORE = (OPEN, "all of it is killed")
BACK_SECONDS = 60.0


class Programs:
    """Programs of the home, each of which sends its request again and again.

    Attributes:
        answers: When each answer came, in time.monotonic(), and its status.
    """

    def __init__(self, house: House, pool: ThreadPoolExecutor) -> None:
        """Start them."""
        self._house = house
        self._ended = threading.Event()
        self.answers: list[tuple[float, str]] = []
        for target in TARGETS:
            pool.submit(self._ask, target)

    def _ask(self, target: str) -> None:
        command = f"curl -s -o /dev/null --max-time 60 -w '%{{http_code}}' 'http://bridge{target}'"
        while not self._ended.wait(0.3):
            _, status = self._house.run("client", command, timeout_seconds=90)
            self.answers.append((time.monotonic(), status))

    def end(self) -> None:
        """Let each of them end after its next answer."""
        self._ended.set()

    def wait_for_good_answer(self, after: float) -> float:
        """Return the seconds until one of them gets a good answer.

        Raises:
            AssertionError: None gets one in time.
        """
        while time.monotonic() < after + BACK_SECONDS:
            for at, status in list(self.answers):
                if at > after and status == "200":
                    return at - after
            time.sleep(0.1)
        raise AssertionError(f"no good answer in {BACK_SECONDS} s: {self.answers}")


@pytest.mark.parametrize(
    ("build", "end"),
    [
        pytest.param(build, end, marks=pytest.mark.core if (build, end) == CORE else ())
        for build in WORKS_ON
        for end in ENDS
    ],
)
def test_the_pvs_gets_one_request_at_a_time(
    lab: House, attack_table: AttackTable, build: int, end: str
) -> None:
    lab.install(build)
    lab.simulator("/_sim/faults", {"add": DELAYS})
    lab.reset()
    with ThreadPoolExecutor(len(TARGETS)) as pool:
        programs = Programs(lab, pool)
        try:
            assert lab.until(lambda: lab.record()["requests"] > 1, 30)
            assert lab.until(lambda: lab.record()["in_flight"][WORKS_ON[build]] == 1, 30)
            lab.output("bridge", ENDS[end])
            away = programs.wait_for_good_answer(time.monotonic())
        finally:
            # The last requests are quick.
            lab.simulator("/_sim/faults", {"clear": True})
            programs.end()
    record = lab.record()
    attack_table.add(f"haproxy ends under load ({end})", attempts=len(programs.answers),
                     arrived=record["requests"], most_in_flight=record["most_in_flight"]["total"],
                     longest_wait_seconds=away)  # fmt: skip
    assert record["most_in_flight"]["total"] == 1
