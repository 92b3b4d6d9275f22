"""pvs-bridge drain: let the PVS finish its request before haproxy is reloaded or stopped.

The PVS can handle one request at a time. Each haproxy process counts its own requests, so after a
reload the new process would send a request while the old one still waits for an answer. Therefore
the old process first stops sending requests; meanwhile it answers 503.

usage: pvs-bridge drain stop
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

SOCKET = "/run/haproxy/admin.sock"
SERVERS = ("pvs/pvs", "pvs_https/https", "pvs_https/http")
"""The PVS, by HTTP and by HTTPS."""

DRAIN_SECONDS = 30.0
"""Five times the duration of a DeviceList. A PVS that hangs must not block a restart of the Pi."""

RELOAD_SECONDS = 15.0
STEP_SECONDS = 0.1
_SOCKET_SECONDS = 5.0


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

    def in_flight(self) -> int:
        """Return the number of requests that the PVS is handling.

        Raises:
            OSError: haproxy does not listen.
            LookupError: haproxy's configuration does not have the PVS.
        """
        table = self.command("show stat").lstrip("# ").splitlines()
        rows = {f"{row['pxname']}/{row['svname']}": row for row in csv.DictReader(table)}
        return sum(int(rows[server]["scur"]) for server in SERVERS)

    def drain(self, seconds: float) -> bool:
        """Stop sending requests to the PVS, and wait until it has answered the last one.

        Args:
            seconds: The longest wait.

        Returns:
            whether it has answered in time.

        Raises:
            OSError: haproxy does not listen.
            LookupError: haproxy's configuration does not have the PVS.
        """
        self._set_state("maint")
        deadline = time.monotonic() + seconds
        while self.in_flight():
            if time.monotonic() > deadline:
                return False
            time.sleep(STEP_SECONDS)
        return True

    def resume(self) -> None:
        """Send requests to the PVS again.

        Raises:
            OSError: haproxy does not listen.
        """
        self._set_state("ready")

    def _set_state(self, state: str) -> None:
        for server in SERVERS:
            self.command(f"set server {server} state {state}")


def reload(admin: AdminSocket, main_pid: int) -> int:
    """Reload haproxy after the PVS has answered its last request.

    Args:
        admin: The runtime API of haproxy.
        main_pid: The number of haproxy's main process.

    Returns:
        the exit status.
    """
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


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    admin = AdminSocket()
    try:
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
