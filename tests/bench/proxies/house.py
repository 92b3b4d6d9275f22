"""A world with a simulated PVS, proxies before it, and the programs that ask."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.proxies.contenders import Conditions, Contender, https_port
from bench.proxies.outcomes import Memory, Seen

from proxy_rig.workbench import Workbench
from proxy_rig.world import BRIDGE, PVS, World, end, world
from pvs_sim.client import Control

_LOAD = Path(__file__).with_name("load.py")
_CONTROL = "http://127.0.0.1:8099"
_SIMULATOR = ("--host", PVS, "--http-port", "80", "--https-port", "off", "--websocket-port", "off",
              "--daylight")  # fmt: skip
_START_SECONDS = 60


class BenchError(Exception):
    """Something did not run; its own words are in the message."""


def program_address(number: int) -> str:
    """The address of one of the house's programs."""
    return f"192.168.20.{100 + number}"


class House:
    """One world with a PVS; see :func:`build_house`."""

    def __init__(self, world: World, folder: Path, bench: Workbench, hurry: float) -> None:
        """Move in.

        Args:
            world: where all of it is.
            folder: an empty one, for logs and configurations.
            bench: where the proxies come from.
            hurry: how many times faster than in a house time goes.
        """
        self._world = world
        self._folder = folder
        self._bench = bench
        self._hurry = hurry
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._places: dict[str, tuple[str, int]] = {"pvs": (PVS, 80)}

    def switch_on(self, *simulator: str) -> None:
        """Switch the PVS on; :meth:`wait` until it listens.

        Args:
            simulator: options of the simulated PVS.
        """
        # Who asks without a proxy sits, as it were, at the PVS's own cable.
        self._world.pvs.ip("route", "add", "192.168.20.0/24", "via", "172.27.153.2")
        command = [sys.executable, "-m", "pvs_sim", *_SIMULATOR, *simulator]
        self._start("pvs", [*command, "--clock-scale", str(self._hurry)])

    def end(self) -> None:
        """End all programs."""
        for process in self._running.values():
            end(process)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _start(self, name: str, command: list[str]) -> None:
        side = self._world.pvs if name == "pvs" else self._world.bridge
        with self._log(name).open("wb") as output:
            self._running[name] = side.popen(command, output)

    def add(self, contender: Contender, port: int, cache_seconds: int) -> None:
        """Start a proxy; :meth:`wait` until it listens.

        Args:
            contender: which; without a program, clients ask the PVS directly.
            port: where it listens.
            cache_seconds: how long it may share an answer; 0: not at all.
        """
        if contender.prepare is None:
            self._places[contender.name] = (PVS, 80)
            return
        folder = self._folder / contender.name
        folder.mkdir()
        conditions = Conditions(port, cache_seconds, self._hurry, self._bench.root / "etc")
        words = contender.prepare(folder, conditions)
        self._start(contender.name, self._bench.command(folder, contender.seen_as, *words))
        self._places[contender.name] = (BRIDGE, port)

    def wait(self) -> None:
        """Wait until the PVS and the proxies listen.

        Raises:
            BenchError: one of them does not.
        """
        deadline = time.monotonic() + _START_SECONDS
        for name, (host, port) in self._places.items():
            while not self._world.listens(port, host):
                process = self._running[name]
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchError(f"{name} does not listen:\n{self._log(name).read_text()}")
                time.sleep(0.05)

    def poll(
        self, contender: Contender, beats: list[dict[str, Any]], patience_seconds: float
    ) -> Load:
        """Have programs of the house ask by a proxy that was added.

        Args:
            contender: which.
            beats: as :func:`bench.proxies.load.poll` takes them.
            patience_seconds: how long a program waits for an answer.
        """
        host, port = self._places[contender.name]
        return self._load(
            kind="poll", host=host, port=port, beats=beats, patience_seconds=patience_seconds
        )

    def sequence(
        self,
        contenders: Sequence[Contender],
        target: str,
        *,
        rounds: int,
        count: int,
        keep_alive: bool,
        encrypted: bool = False,
    ) -> Load:
        """Have one program ask the same again and again, going from proxy to proxy.

        Args:
            contenders: proxies that were added.
            target: what to ask.
            rounds: as :func:`bench.proxies.load.sequence` takes them.
            count: how many questions a turn has.
            keep_alive: on one connection a turn.
            encrypted: by HTTPS.
        """
        places = {each.name: self._places[each.name] for each in contenders}
        if encrypted:
            places = {name: (host, https_port(port)) for name, (host, port) in places.items()}
        return self._load(
            kind="sequence",
            addresses=places,
            target=target,
            source=program_address(0),
            rounds=rounds,
            count=count,
            keep_alive=keep_alive,
            encrypted=encrypted,
        )

    def _load(self, **plan: object) -> Load:
        output = self._log("load")
        command = [sys.executable, "-I", str(_LOAD), json.dumps(plan)]
        with output.open("wb") as file:
            process = self._world.bridge.popen(command, file)
        self._running["load"] = process
        return Load(process, output)

    def seen(self) -> Seen:
        """What the PVS has seen since it was switched on."""
        stats = self._world.pvs.call(lambda: Control(_CONTROL).get("stats?log=0"))
        return Seen(stats["requests"], stats["most_in_flight"]["cgi"], stats["restarts"]["count"])

    def clock_ahead(self) -> float:
        """What to add to this machine's monotonic seconds, in a hurry, to get the PVS's time."""
        now = self._world.pvs.call(lambda: Control(_CONTROL).get("clock"))["seconds"]
        return float(now) - time.monotonic() * self._hurry

    def memory(self, contender: Contender) -> Memory | None:
        """What a proxy that was added holds now; None where there is no program."""
        process = self._running.get(contender.name)
        return session_memory(process.pid) if process else None


@contextlib.contextmanager
def build_house(bench: Workbench, hurry: float, *simulator: str) -> Iterator[House]:
    """Build a house whose PVS is on, and end all programs in it at the end of the block.

    Args:
        bench: where the proxies come from.
        hurry: how many times faster than in a house time goes.
        simulator: options of the simulated PVS.

    Raises:
        OSError: not allowed, as it takes root.
    """
    with tempfile.TemporaryDirectory() as folder, world() as made:
        house = House(made, Path(folder), bench, hurry)
        try:
            house.switch_on(*simulator)
            yield house
        finally:
            house.end()


class Load:
    """Programs at work."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        """Take the process of load.py and where it writes to."""
        self._process = process
        self._output = output

    def result(self) -> Any:  # noqa: ANN401 - what a function of load.py returns
        """Wait for the end and return what was measured.

        Raises:
            BenchError: it failed.
        """
        status = self._process.wait()
        text = self._output.read_text()
        if status:
            raise BenchError(f"the programs failed:\n{text}")
        return json.loads(text)


def session_memory(leader: int) -> Memory:
    """The memory of all processes of a session.

    Args:
        leader: the process that leads it.
    """
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--no-headers", "-s", str(leader)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kib = {"Pss": 0, "Rss": 0}
    for pid in listed.stdout.split():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in kib:
                kib[name] += int(value.split()[0])
    return Memory(kib["Pss"] / 1024, kib["Rss"] / 1024)
