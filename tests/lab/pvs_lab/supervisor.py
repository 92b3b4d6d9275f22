"""The first process of a lab: creates its network, runs its daemons, serves its control socket.

:mod:`pvs_lab.lifecycle` runs it in new mount, network and PID namespaces. When it ends, the kernel
kills everything that it has started.
"""

from __future__ import annotations

import dataclasses
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from pvs_lab import daemons, evil_leases, network
from pvs_lab.container import Container
from pvs_lab.daemons import Daemon
from pvs_lab.flashed_guest import Flashed, FlashedGuest
from pvs_lab.guest import RadioGuest
from pvs_lab.image import Image
from pvs_lab.paths import card_dir, lab_dir
from pvs_lab.topology import Topology

_READY_TIMEOUT_SECONDS = 30


class Supervisor:
    """The processes of one lab.

    Args:
        name: the lab's name.
        source: the bridge's image, or the card that it boots.
        simulator_arguments: options of the PVS simulator.
        topology: the addresses around the bridge, and its interfaces.
        radio: whether the bridge is a guest with a radio, not a container; a flashed one always is.
        card_mib: room for what the bridge writes to the lab's own card; 0 for as much as there is.
    """

    def __init__(
        self,
        name: str,
        source: Image | Flashed,
        simulator_arguments: tuple[str, ...],
        topology: Topology,
        *,
        radio: bool,
        card_mib: int,
    ) -> None:
        """Store the options; :meth:`build` starts the lab."""
        self.state = lab_dir(name)
        self.scratch = self.state / "scratch"
        self.source = source
        self.topology = topology
        self.name = name
        self.card_mib = card_mib
        self.pi = self._pi(radio=radio)
        self.simulator_ready = self.scratch / "simulator.json"
        self.pvs = (
            daemons.simulator(simulator_arguments, self.simulator_ready),
            *self._announcing(),
        )
        self.router = daemons.home_router(self.scratch, topology)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, Callable[..., object]] = {
            "cable": self.cable,
            "card-lock": self.card_lock,
            "power-off": self.pi.cut_power,
            "power-on": self.power_on,
            "pvs-dhcp-evil": self.pvs_dhcp_evil,
            "pvs-dhcp-off": lambda: self.stop(self.pvs[1]),
            "pvs-dhcp-on": self.pvs_dhcp_on,
            "pvs-off": self.pvs_off,
            "pvs-on": self.pvs_on,
            "router-off": lambda: self.stop(self.router),
            "router-on": self.router_on,
            "status": self.status,
        }

    def _announcing(self) -> tuple[Daemon, ...]:
        """Return what the PVS runs beside its web server: DHCP at its cable, or mDNS at home."""
        if not self.topology.pvs_at_home:
            return (daemons.pvs_dhcp(self.scratch, self.topology),)
        if self.topology.pvs_name and isinstance(self.source, Image):
            return (daemons.pvs_mdns(self.source.root, self.topology),)
        return ()

    def _pi(self, *, radio: bool) -> Container | RadioGuest | FlashedGuest:
        """Return the Pi, switched off."""
        root, console = self.scratch / "root", self.state / "log/bridge.log"
        if isinstance(self.source, Flashed):
            return FlashedGuest(self.name, console, self.source)
        if radio:
            return RadioGuest(self.name, console, root)
        return Container(self.name, root, console, self.topology)

    def build(self) -> None:
        """Create the network and switch everything on.

        Raises:
            RuntimeError: a program that should run has ended.
        """
        _mount_private_files(self.scratch, self.topology)
        network.build(self.topology)
        self.start(self.router)
        self.pvs_on()
        if not isinstance(self.pi, FlashedGuest):
            assert isinstance(self.source, Image)  # noqa: S101 - for the type checker
            self.start(daemons.package_server(self.source.packages, self.topology))
            key = (self.state / "ssh_key.pub").read_text()
            card = card_dir(self.name)
            if self.card_mib:
                card = _mount_small(card, self.card_mib)
            self.pi.insert_card(self.source, card, key)
        self.pi.power_on()
        for name, process in self.running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} has ended: {self.last_line(name)}")

    def log(self, name: str) -> Path:
        """Where a daemon's output is."""
        return self.state / "log" / f"{name}.log"

    def last_line(self, name: str) -> str:
        """Return a daemon's last line, because most programs print why they end."""
        lines = self.log(name).read_text().split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it printed nothing")

    def start(self, daemon: Daemon) -> None:
        """Run a daemon in its namespace, its output in the lab's log folder."""
        with self.log(daemon.name).open("ab") as log:
            self.running[daemon.name] = subprocess.Popen(
                ["ip", "netns", "exec", daemon.host, *daemon.command],
                env={**os.environ, **dict(daemon.environment)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self, daemon: Daemon) -> None:
        """Kill a daemon, if it runs."""
        process = self.running.pop(daemon.name, None)
        if process is not None:
            process.kill()
            process.wait()

    def pvs_on(self) -> None:
        """Switch the PVS on, unless it is, and wait until its web server listens.

        Raises:
            RuntimeError: the simulator ended, or did not listen in time.
        """
        if self.pvs[0].name in self.running:
            return
        self.simulator_ready.unlink(missing_ok=True)
        for daemon in self.pvs:
            self.start(daemon)
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        simulator = self.running[self.pvs[0].name]
        while not self.simulator_ready.exists():
            if simulator.poll() is not None or time.monotonic() > deadline:
                said = self.last_line(self.pvs[0].name)
                self.pvs_off()
                raise RuntimeError(f"the PVS simulator did not start: {said}")
            time.sleep(0.05)

    def pvs_off(self) -> None:
        """Switch the PVS off: it answers nothing, and its cable stays plugged in."""
        for daemon in self.pvs:
            self.stop(daemon)

    def pvs_dhcp_on(self, address: str = "") -> None:
        """Have the PVS hand out addresses.

        Args:
            address: one of the PVS's addresses, in whose network it hands them out; its usual one
                if not given.
        """
        topology = dataclasses.replace(self.topology, pvs=address) if address else self.topology
        self.stop(self.pvs[1])
        self.start(daemons.pvs_dhcp(self.scratch, topology))

    def pvs_dhcp_evil(self, kind: str) -> None:
        """Have the PVS hand out leases that no PVS hands out.

        Args:
            kind: one of :data:`pvs_lab.evil_leases.LEASES`.
        """
        self.stop(self.pvs[1])
        self.start(evil_leases.evil_dhcp(self.scratch, self.topology, kind))

    def router_on(self, bridge: str = "") -> None:
        """Have the router hand out addresses and answer for names.

        Args:
            bridge: the address that the Pi gets; its usual one if not given.
        """
        topology = dataclasses.replace(self.topology, bridge=bridge) if bridge else self.topology
        self.stop(self.router)
        self.start(daemons.home_router(self.scratch, topology))

    def power_on(self) -> None:
        """Give the Pi power, unless it has it."""
        if self.pi.process is None:
            self.pi.power_on()

    def cable(self, side: str, position: str) -> None:
        """Unplug or plug in one of the bridge's cables.

        Args:
            side: ``pvs`` or ``home``.
            position: ``in`` or ``out``.
        """
        self.pi.set_cable(side, plugged=position == "in")

    def card_lock(self, position: str) -> None:
        """Move the write-protect switch of a flashed card.

        Args:
            position: ``on``, so that the card refuses writes from the next power-on, or ``off``.

        Raises:
            TypeError: the card is the lab's own.
        """
        if not isinstance(self.pi, FlashedGuest):
            raise TypeError("this lab's card has no switch")
        self.pi.card_locked = position == "on"

    def status(self) -> dict[str, object]:
        """Return the PID of the bridge's first process, and the daemons that have ended."""
        return {
            "bridge_leader": self.pi.leader(),
            "dead": [name for name, process in self.running.items() if process.poll() is not None],
        }

    def reap(self) -> None:
        """Collect ended children: the Pi, daemons, and orphans adopted by process 1."""
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            pi = self.pi.process
            if pi is not None and ended.si_pid == pi.pid:
                if self.pi.ended():
                    self.pi.power_on()
                continue
            known = [one for one in self.running.values() if one.pid == ended.si_pid]
            if known:
                known[0].wait()
            else:
                os.waitpid(ended.si_pid, 0)

    def answer(self, connection: socket.socket) -> None:
        """Carry out one command and answer with a line of JSON."""
        with connection, connection.makefile("rw") as stream:
            name, *arguments = json.loads(stream.readline())
            try:
                result = self.commands[name](*arguments)
                reply: dict[str, object] = {"result": result}
            except Exception as error:
                traceback.print_exc()
                reply = {"error": f"{type(error).__name__}: {error}"}
            stream.write(json.dumps(reply) + "\n")

    def serve(self) -> None:
        """Serve commands until killed."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.state / "control"))
        listener.listen()
        wakeup, wakeup_end = socket.socketpair()
        wakeup.setblocking(False)
        wakeup_end.setblocking(False)
        signal.set_wakeup_fd(wakeup_end.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        selector = selectors.DefaultSelector()
        selector.register(listener, selectors.EVENT_READ)
        selector.register(wakeup, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    self.answer(listener.accept()[0])
                else:
                    wakeup.recv(4096)
            self.reap_if_any()

    def reap_if_any(self) -> None:
        """As :meth:`reap`, also without any child."""
        try:
            self.reap()
        except ChildProcessError:
            return


def _mount_small(folder: Path, mib: int) -> Path:
    """Create a file system of this size in a folder; return where it is mounted."""
    device, mounted = folder / "card.ext4", folder / "card"
    mounted.mkdir(parents=True)
    with device.open("xb") as file:
        file.truncate(mib * 1024 * 1024)
    # Otherwise the kernel would initialize tables later, and tests count what is written.
    whole = "lazy_itable_init=0,lazy_journal_init=0"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-E", whole, str(device)], check=True)
    # The mount options that the role appliance sets, which it cannot do in a container.
    options = "loop,noatime,lazytime"
    subprocess.run(["mount", "-o", options, str(device), str(mounted)], check=True)
    return mounted


def _mount_private_files(scratch: Path, topology: Topology) -> None:
    """Hide this host's network namespaces, and give the lab a writable /etc; both end with it."""
    scratch.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "lab", str(scratch)], check=True)
    Path("/run/netns").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "lab", "/run/netns"], check=True)
    (scratch / "etc").mkdir()
    (scratch / "etc-work").mkdir()
    layers = f"lowerdir=/etc,upperdir={scratch / 'etc'},workdir={scratch / 'etc-work'}"
    subprocess.run(["mount", "-t", "overlay", "etc", "-o", layers, "/etc"], check=True)
    network.write_resolver(Path("/etc"), topology)


def main() -> None:
    """Run the lab of the arguments.

    They are NAME KIND PATH PATH LAYERS TOPOLOGY CARD_MIB [SIMULATOR_ARGUMENT...]. KIND is
    ``container`` or ``radio``, with the paths of an image's root and packages, or ``flashed``, with
    those of a card and the lab's tools for guests. LAYERS is a JSON list of paths.
    """
    name, kind, first, second, layers, topology, card_mib, *simulator_arguments = sys.argv[1:]
    paths = Path(first), Path(second)
    over = tuple(map(Path, json.loads(layers)))
    source = Flashed(*paths) if kind == "flashed" else Image(*paths, over)
    supervisor = Supervisor(
        name,
        source,
        tuple(simulator_arguments),
        Topology.from_json(topology),
        radio=kind == "radio",
        card_mib=int(card_mib),
    )
    try:
        supervisor.build()
        supervisor.serve()
    except Exception as error:
        traceback.print_exc()
        # The command that waits for the lab shows this line; the log has the traceback.
        print(error, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
