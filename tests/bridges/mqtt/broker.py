"""Debian's mosquitto and the agent's MQTT service, in a root and a network of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from unit.monitor.monitored import MonitoredBridge
from unit.mqtt.conftest import CONFIG, House

from proxy_rig.chroot import command_in
from proxy_rig.rendering import PROJECT
from proxy_rig.world import end
from pvs_bridge.config import MqttConfig
from pvs_lab.image import provide
from pvs_lab.process import wait_until
from pvs_lab.recipes import Recipe

PORT = 1883
SECONDS = 30
_SEEN_AS = "/srv/mqtt"
_PACKAGES = ("mosquitto", "mosquitto-clients", "openssl", "python3", "python3-paho-mqtt")


def programs(release: str) -> Path:
    """Return a root with the programs of a release."""
    hosts = (("/etc/hosts", "127.0.0.1 localhost\n"),)
    recipe = Recipe(release, "mqtt", _PACKAGES, (), hosts, is_card=False)
    return provide(recipe, print).root


class Network(Protocol):
    """A place that runs programs, as :class:`proxy_rig.world.Namespace` does."""

    def popen(
        self, command: Sequence[str], output: IO[bytes] | int | None = None, /
    ) -> subprocess.Popen[bytes]:
        """Start a program; it leads a process group of its own."""


class Site:
    """A folder and a network, in which the programs of a release run.

    Attributes:
        folder: The folder; the programs see it at another path.
        network: Where they run.
    """

    def __init__(self, root: Path, folder: Path, network: Network) -> None:
        """Copy the agent into the folder."""
        self.folder, self.network, self._root = folder, network, root
        self._point = folder.with_name("point")
        self._point.mkdir()
        shutil.copytree(PROJECT / "roles/agent/files/pvs_bridge", folder / "pvs_bridge")

    def command(self, *words: str) -> list[str]:
        """Return the command that runs a program."""
        return command_in([self._root], self._point, self.folder, _SEEN_AS, words)

    def start(self, log: str, *words: str) -> subprocess.Popen[bytes]:
        """Start a program; it appends what it prints to a file of the folder."""
        with (self.folder / log).open("ab") as output:
            return self.network.popen(self.command(*words), output)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        with (self.folder / "output").open("w+b") as output:
            process = self.network.popen(self.command(*words), output)
            status = process.wait(SECONDS)
        text = (self.folder / "output").read_text()
        return subprocess.CompletedProcess(words, status, text)

    def path(self, name: str) -> str:
        """Return the path of a file of the folder as the programs see it."""
        return f"{_SEEN_AS}/{name}"


class Broker:
    """mosquitto, which can be stopped and started.

    Attributes:
        lines: Its configuration.
    """

    def __init__(self, site: Site, *lines: str) -> None:
        """Set its configuration; start() runs it."""
        self.site, self.lines = site, [f"listener {PORT}", *lines]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it listens."""
        text = "\n".join(["user root", "log_dest stderr", *self.lines, ""])
        (self.site.folder / "mosquitto.conf").write_text(text)
        config = self.site.path("mosquitto.conf")
        self._process = self.site.start("broker.log", "mosquitto", "-c", config)
        log = self.site.folder / "broker.log"
        # Not by a connection, because that may be the only one that it allows.
        assert wait_until(lambda: "running" in log.read_text(), SECONDS), log.read_text()  # noqa: S101
        log.write_text("")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def signal(self, how: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None  # noqa: S101 - for tests
        self._process.send_signal(how)

    def retained(self, *options: str) -> dict[str, Any]:
        """Return the retained messages by topic, JSON as objects."""
        done = self.site.run(
            "mosquitto_sub", "-p", str(PORT), "-t", "#", "--retained-only", "-W", "1",
            "-F", "%t\t%p", *options,
        )  # fmt: skip
        lines = (line.partition("\t") for line in done.stdout.splitlines() if "\t" in line)
        return {topic: _read(text) for topic, _, text in lines}


def _read(text: str) -> Any:  # noqa: ANN401 - any JSON
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return text


class Service:
    """The agent's service, with a monitor that the test plays.

    Attributes:
        house: The plant.
        broker: mosquitto.
        config: Of the service.
        options: More options of its command.
    """

    def __init__(self, site: Site, house: House, broker: Broker) -> None:
        """Set the monitor and the broker; start() runs the service."""
        self.site, self.house, self.broker = site, house, broker
        self.config: MqttConfig = dataclasses.replace(CONFIG, host="127.0.0.1")
        self.options: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it."""
        self._process = self.site.start("journal", *self._words(), *self.options)

    def forget(self) -> subprocess.CompletedProcess[str]:
        """Remove the bridge from the broker."""
        return self.site.run(*self._words(), "--forget")

    def _words(self) -> list[str]:
        (self.site.folder / "mqtt.json").write_text(json.dumps(dataclasses.asdict(self.config)))
        path = self.site.path
        return [
            "python3", "-I", path("pvs_bridge/__main__.py"), "mqtt", "--config", path("mqtt.json"),
            "--state", path("state.json"), "--events", path("events.jsonl"),
            "--report", path("issue.json"),
        ]  # fmt: skip

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it."""
        if self._process is not None:
            end(self._process, how)
            self._process = None

    @property
    def journal(self) -> list[str]:
        """The lines that it has printed."""
        path = self.site.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def issue(self) -> dict[str, str] | None:
        """What it says to the monitor."""
        path = self.site.folder / "issue.json"
        return json.loads(path.read_text()) if path.exists() else None

    def wait(self, done: Callable[[], object], seconds: float = SECONDS) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: It is not in time; the journal is in the message.
        """
        assert wait_until(lambda: bool(done()), seconds), (  # noqa: S101 - for tests
            self.journal, self.issue, (self.site.folder / "broker.log").read_text()[-3000:],
        )  # fmt: skip

    def wait_until_it_works(self, seconds: float = SECONDS) -> None:
        """Wait until the broker has everything."""
        self.wait(lambda: any("connected" in each or "works again" in each for each in self.journal)
                  and self.issue is None, seconds)  # fmt: skip


def running_house(site: Site, house: House) -> House:
    """Give a house the clock of this machine, and its monitor the service's folder."""
    bridge: MonitoredBridge = house.bridge
    bridge.now = time.clock_gettime(time.CLOCK_BOOTTIME) - 60
    bridge.clock_offset = time.time() - bridge.now - 60
    bridge.paths = dataclasses.replace(
        bridge.paths, state=site.folder / "state.json", events=site.folder / "events.jsonl"
    )
    house.read(1)
    return house


@contextlib.contextmanager
def stopped_at_the_end(*programs: Broker | Service) -> Iterator[None]:
    """Stop programs at the end of the block."""
    try:
        yield
    finally:
        for each in programs:
            each.stop()
