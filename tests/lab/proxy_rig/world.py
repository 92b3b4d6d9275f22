"""Two network namespaces with a cable between them: the PVS's, and the bridge's with the home."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

T = TypeVar("T")

PVS = "172.27.153.1"
BRIDGE = "192.168.20.20"
CLIENT = "192.168.20.10"
STRANGER = "203.0.113.9"

_CLONE_NEWNET = 0x40000000
_READY = "ip link set lo up && echo ready && exec cat"
# On the loopback interface the bridge owns every address of these networks, also its clients'.
_BRIDGE_ADDRESSES = (f"{BRIDGE}/24", f"{STRANGER}/32")
_PVS_LINK = "172.27.153.2/24"


class Namespace:
    """A network namespace, with a mount namespace beside it; see :func:`namespace`.

    Attributes:
        pid: a process inside.
    """

    def __init__(self, pid: int, inside: ThreadPoolExecutor) -> None:
        """Store a process inside, and the one thread of this process that is inside too."""
        self.pid = pid
        self._inside = inside

    def ip(self, *words: str) -> None:
        """Run ``ip`` inside.

        Raises:
            CalledProcessError: it failed.
        """
        command = ["nsenter", f"--target={self.pid}", "--net", "ip", *words]
        subprocess.run(command, check=True)

    def call(self, work: Callable[[], T]) -> T:
        """Run a function in a thread that is inside; threads that it starts are inside too."""
        return self._inside.submit(work).result()

    def popen(
        self, command: Sequence[str], output: IO[bytes] | int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program inside; it leads a process group of its own."""
        enter = ["nsenter", f"--target={self.pid}", "--net", "--mount", f"--wdns={Path.cwd()}"]
        return subprocess.Popen(
            [*enter, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _join(pid: int) -> None:
    """Bring the calling thread into the network namespace of a process."""
    library = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/net").open() as namespace:
        if library.setns(namespace.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace that lasts until the end of the block.

    Raises:
        OSError: root is needed.
    """
    command = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", _READY]
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(holder.kill)
        if holder.stdout is None or holder.stdout.readline() != "ready\n":
            raise OSError("a network namespace could not be made, which needs root")
        inside = stack.enter_context(ThreadPoolExecutor(1, "inside", _join, (holder.pid,)))
        yield Namespace(holder.pid, inside)


class World:
    """The PVS's side and the home's, with the bridge between; see :func:`world`.

    Attributes:
        pvs: where the PVS listens.
        bridge: where the bridge listens, and where the home's clients are.
    """

    def __init__(self, pvs: Namespace, bridge: Namespace) -> None:
        """Store both sides."""
        self.pvs = pvs
        self.bridge = bridge

    def connect(
        self,
        port: int,
        address: str = BRIDGE,
        *,
        source: str = CLIENT,
        source_port: int = 0,
        timeout_seconds: float | None = 30,
    ) -> socket.socket:
        """Return a TCP connection inside.

        Args:
            port: where to.
            address: where to.
            source: the client's own address.
            source_port: the client's own port; the kernel chooses one for 0.
            timeout_seconds: for connecting, and for all later operations.

        Raises:
            OSError: the connection fails.
        """
        connection = self.bridge.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        try:
            connection.settimeout(timeout_seconds)
            connection.bind((source, source_port))
            connection.connect((address, port))
        except BaseException:
            connection.close()
            raise
        return connection

    def listens(self, port: int, address: str = BRIDGE, *, source: str = CLIENT) -> bool:
        """Whether a program accepts a connection there; as :meth:`connect`."""
        try:
            self.connect(port, address, source=source, timeout_seconds=1).close()
        except OSError:
            return False
        return True


@contextlib.contextmanager
def world() -> Iterator[World]:
    """Make both sides and the cable, which last until the end of the block.

    Raises:
        OSError: root is needed.
    """
    with namespace() as pvs, namespace() as bridge:
        bridge.ip("link", "add", "eth0", "type", "veth",
                  "peer", "name", "lan1", "netns", str(pvs.pid))  # fmt: skip
        for side, interface, addresses in (
            (pvs, "lan1", (f"{PVS}/24",)),
            (bridge, "eth0", (_PVS_LINK,)),
            (bridge, "lo", _BRIDGE_ADDRESSES),
        ):
            for address in addresses:
                side.ip("address", "add", address, "dev", interface)
            side.ip("link", "set", interface, "up")
        yield World(pvs, bridge)


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
    """End a program of :meth:`World.popen` and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    process.wait()
