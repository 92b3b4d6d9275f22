"""Lets the PVS finish what it works on before haproxy is replaced or stopped.

The PVS bears one request at a time. haproxy keeps to that by a counter, which each of its
processes has for itself: a new one would send a request beside the one that is under way. So the
old one first stops sending any; meanwhile it answers 503 by itself.

usage: pvs-bridge drain stop
       pvs-bridge drain reload MAINPID
"""

from __future__ import annotations

import csv
import os
import signal
import socket
import time

SOCKET = "/run/haproxy/admin.sock"
SERVER = "pvs/pvs"
PATIENCE_SECONDS = 30.0  # five times what a DeviceList takes; a reboot must not hang on a sick PVS
RELOAD_SECONDS = 15.0
STEP_SECONDS = 0.1


class Turns:
    """haproxy's own interface for administrators."""

    def __init__(self, path: str = SOCKET) -> None:
        """Name its socket."""
        self._path = path

    def say(self, command: str) -> str:
        """Return what haproxy answers to a command.

        Raises:
            OSError: It does not listen.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5.0)
            connection.connect(self._path)
            connection.sendall(f"{command}\n".encode())
            answer = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return answer.decode()
                answer += piece

    def process(self) -> str:
        """Return the number of the process that answers; empty while none does."""
        try:
            lines = self.say("show info").splitlines()
        except OSError:
            return ""
        return next((line.split(":")[1].strip() for line in lines if line.startswith("Pid:")), "")

    def in_flight(self) -> int:
        """Return how many requests the PVS works on.

        Raises:
            OSError: haproxy does not listen.
            LookupError: haproxy does not know the server, so this is not its configuration.
        """
        table = self.say("show stat").lstrip("# ").splitlines()
        for row in csv.DictReader(table):
            if f"{row['pxname']}/{row['svname']}" == SERVER:
                return int(row["scur"])
        raise LookupError(SERVER)

    def hold(self, patience: float) -> bool:
        """Send the PVS nothing more, and wait until it is done; whether it was, in time.

        Args:
            patience: Seconds to wait at most.

        Raises:
            OSError: haproxy does not listen.
            LookupError: haproxy does not know the server.
        """
        self.say(f"set server {SERVER} state maint")
        deadline = time.monotonic() + patience
        while self.in_flight():
            if time.monotonic() > deadline:
                return False
            time.sleep(STEP_SECONDS)
        return True

    def release(self) -> None:
        """Send the PVS requests again.

        Raises:
            OSError: haproxy does not listen.
        """
        self.say(f"set server {SERVER} state ready")


def reload(turns: Turns, main_pid: int) -> int:
    """Have haproxy's main process start a new one, when the PVS has nothing to do; exit status."""
    old = turns.process()
    turns.hold(PATIENCE_SECONDS)
    os.kill(main_pid, signal.SIGUSR2)
    deadline = time.monotonic() + RELOAD_SECONDS
    while turns.process() in {old, ""}:
        if time.monotonic() > deadline:
            # The old process goes on with its old configuration.
            turns.release()
            print("haproxy did not take the new configuration; the old one works on")
            return 1
        time.sleep(STEP_SECONDS)
    return 0


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit status."""
    turns = Turns()
    try:
        if arguments == ["stop"]:
            turns.hold(PATIENCE_SECONDS)
            return 0
        if len(arguments) == 2 and arguments[0] == "reload":
            return reload(turns, int(arguments[1]))
    except LookupError:
        # Debian's configuration, before the first reload: there is nobody to spare.
        if arguments[0] == "reload":
            os.kill(int(arguments[1]), signal.SIGUSR2)
        return 0
    except OSError as error:
        print(f"{SOCKET}: {error.strerror or error}")
        return 1
    print((__doc__ or "").partition("\n\n")[2])
    return 2
