"""pvs-bridge drain: let the PVS finish its request before haproxy starts, reloads or stops.

The PVS can handle one request at a time. Each haproxy process counts its own requests, so after a
reload the new process would send a request while the old one still waits for an answer. Therefore
the old process first stops sending requests; meanwhile it answers 503, also to the requests in its
queue.

A haproxy that was killed could not wait. The kernel has closed its connections, but keeps each one
until the PVS closes it too or sends an answer, for a minute at most (net.ipv4.tcp_fin_timeout).
This shows that the PVS has not finished, so the next haproxy starts after that. If the PVS closes a
connection at once and still works on the request, nothing on the Pi shows it.

usage: pvs-bridge drain start PVS_ADDRESS_OR_NAME
       pvs-bridge drain stop
       pvs-bridge drain reload MAINPID
"""

from __future__ import annotations

import csv
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SOCKET = "/run/haproxy/admin.sock"
SERVERS = ("pvs/pvs", "pvs_https/https", "pvs_https/http")
"""The PVS, by HTTP and by HTTPS."""

OPTIONAL = frozenset({"https/pvs", "pvs/https"})
"""The PVS for the clients of port 443, with proxy_https: passthrough; the PVS by HTTPS in place of
HTTP, with pvs_link_type: home."""

TURN = "pvs_queue/pvs_serial"
"""The server for which requests wait, with a place for one."""

DRAIN_SECONDS = 30.0
"""Five times the duration of a DeviceList. A PVS that hangs must not block a restart of the Pi."""

RELOAD_SECONDS = 15.0
STEP_SECONDS = 0.1
_SOCKET_SECONDS = 5.0
_ALL_PLACES = 512
"""As many as haproxy has connections."""

_CONNECTIONS = Path("/proc/thread-self/net/tcp")
_PORTS = (80, 443)
_CLOSING = {"04", "05", "0B"}
"""FIN_WAIT1, FIN_WAIT2 and CLOSING (include/net/tcp_states.h of Linux): closed on the Pi alone."""


class AdminSocket:
    """The runtime API of haproxy."""

    def __init__(self, path: str = SOCKET) -> None:
        """Set the path of the Unix socket."""
        self._path = path

    def command(self, text: str) -> str:
        """Return haproxy's answer to a command.

        Raises:
            OSError: haproxy does not listen.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SOCKET_SECONDS)
            connection.connect(self._path)
            connection.sendall(f"{text}\n".encode())
            answer = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return answer.decode()
                answer += piece

    def process(self) -> str:
        """Return the number of the process that answers; empty if haproxy does not listen."""
        try:
            lines = self.command("show info").splitlines()
        except OSError:
            return ""
        return next((line.split(":")[1].strip() for line in lines if line.startswith("Pid:")), "")

    def requests(self) -> tuple[int, int]:
        """Return the number of requests that the PVS is handling, and of those that wait.

        Raises:
            OSError: haproxy does not listen.
            LookupError: haproxy's configuration does not have the PVS.
        """
        table = self.command("show stat").lstrip("# ").splitlines()
        rows = {f"{row['pxname']}/{row['svname']}": row for row in csv.DictReader(table)}
        waiting = sum(int(rows[name]["qcur"]) for name in (TURN, "pvs_queue/BACKEND"))
        servers = (*SERVERS, *(OPTIONAL & rows.keys()))
        return sum(int(rows[server]["scur"]) for server in servers), waiting

    def drain(self, seconds: float) -> bool:
        """Stop sending requests to the PVS, and wait until it has answered the last one.

        Requests that wait would do so until their timeout, and could reach the PVS through the next
        process, so they get 503.

        Args:
            seconds: The longest wait.

        Returns:
            whether it has answered in time.

        Raises:
            OSError: haproxy does not listen.
            LookupError: haproxy's configuration does not have the PVS.
        """
        # haproxy only reports an unknown server.
        self._set_state("maint", (*SERVERS, *OPTIONAL))
        deadline = time.monotonic() + seconds
        while (numbers := self.requests()) != (0, 0) and time.monotonic() < deadline:
            if numbers[1]:
                # haproxy hands out waiting requests when it raises the limit of a server that is
                # up, or when the server comes up. Without the PVS it answers 503 to each.
                self.command(f"set maxconn server {TURN} {_ALL_PLACES}")
                self.command(f"set server {TURN} health up")
            time.sleep(STEP_SECONDS)
        # Clients that are still connected to this process get 503 too.
        self._set_state("maint", (TURN,))
        return numbers == (0, 0)

    def resume(self) -> None:
        """Send requests to the PVS again.

        Raises:
            OSError: haproxy does not listen.
        """
        self.command(f"set maxconn server {TURN} 1")
        self._set_state("ready", (*SERVERS, *OPTIONAL, TURN))

    def _set_state(self, state: str, servers: Sequence[str]) -> None:
        for server in servers:
            self.command(f"set server {server} state {state}")


def wait_for_closed_connections(address: str, seconds: float) -> bool:
    """Wait until the PVS has finished the requests of a haproxy that was killed.

    Args:
        address: The PVS's IPv4 address, or its name.
        seconds: The longest wait.

    Returns:
        whether it has finished in time.
    """
    deadline = time.monotonic() + seconds
    # Before the network is up there is no connection, and a name cannot be resolved.
    if not _closing():
        return True
    try:
        packed = socket.inet_aton(socket.gethostbyname(address))
    except OSError:
        return True
    number = int.from_bytes(packed, sys.byteorder)
    remote = {f"{number:08X}:{port:04X}" for port in _PORTS}
    while True:
        if not _closing() & remote:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(STEP_SECONDS)


def _closing() -> set[str]:
    """Return the remote ends of the connections that only the Pi has closed."""
    rows = [line.split() for line in _CONNECTIONS.read_text(encoding="ascii").splitlines()]
    return {row[2] for row in rows if row[3] in _CLOSING}


def reload(admin: AdminSocket, main_pid: int) -> int:
    """Reload haproxy after the PVS has answered its last request.

    Args:
        admin: The runtime API of haproxy.
        main_pid: The number of haproxy's main process.

    Returns:
        the exit status.
    """
    deadline = time.monotonic() + RELOAD_SECONDS
    # Soon after another reload, the main process would lose the signal.
    while not _takes_reloads(main_pid) and time.monotonic() < deadline:
        time.sleep(STEP_SECONDS)
    old = admin.process()
    admin.drain(DRAIN_SECONDS)
    os.kill(main_pid, signal.SIGUSR2)
    deadline = time.monotonic() + RELOAD_SECONDS
    while admin.process() in {old, ""}:
        if time.monotonic() > deadline:
            # The old process continues with its old configuration.
            admin.resume()
            print("haproxy rejected the new configuration and continues with the old one")
            return 1
        time.sleep(STEP_SECONDS)
    return 0


def _takes_reloads(main_pid: int) -> bool:
    """Return whether haproxy's main process catches the signal for a reload (proc(5), SigCgt)."""
    try:
        lines = Path("/proc", str(main_pid), "status").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        # os.kill reports it.
        return True
    masks = {
        name: int(mask, 16)
        for name, mask in (line.split(":\t") for line in lines if line.startswith("Sig"))
        if name in {"SigBlk", "SigCgt"}
    }
    return bool(masks["SigCgt"] & ~masks["SigBlk"] & 1 << (signal.SIGUSR2 - 1))


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    admin = AdminSocket()
    try:
        if len(arguments) == 2 and arguments[0] == "start":
            if not wait_for_closed_connections(arguments[1], DRAIN_SECONDS):
                print("The PVS still works on a request of a haproxy that was killed.")
            return 0
        if list(arguments) == ["stop"]:
            admin.drain(DRAIN_SECONDS)
            return 0
        if len(arguments) == 2 and arguments[0] == "reload":
            return reload(admin, int(arguments[1]))
    except LookupError:
        # Before the first reload haproxy runs Debian's configuration, without the PVS.
        if arguments[0] == "reload":
            os.kill(int(arguments[1]), signal.SIGUSR2)
        return 0
    except OSError as error:
        print(f"{SOCKET}: {error.strerror or error}")
        return 1
    print((__doc__ or "").partition("\n\n")[2], file=sys.stderr)
    return 2
