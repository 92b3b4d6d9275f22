"""pvs-bridge ports: find the ports that other programs hold, so that haproxy starts without them.

Any user can bind a port above 1023 while haproxy does not run, and haproxy starts with all of its
ports or not at all. The configuration leaves out a port if its variable exists. systemd reads the
variables from the file that this command writes whenever haproxy has stopped.

usage: pvs-bridge ports ADDRESS:PORT...
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.host.paths import TAKEN_PORT, TAKEN_PORTS


def is_free(address: str, port: int) -> bool:
    """Return whether a port can be bound; an empty address stands for all."""
    with socket.socket() as each:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            each.bind((address, port))
            each.listen()
        except OSError:
            return False
    return True


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    lines = []
    for argument in arguments:
        address, colon, port = argument.rpartition(":")
        if not colon or not port.isdecimal():
            print((__doc__ or "").partition("\n\n")[2], file=sys.stderr)
            return 2
        if not is_free(address.replace("*", ""), int(port)):
            print(f"port {port}: another program uses it, so haproxy starts without this port.")
            print("Stop that program, then run: sudo systemctl restart haproxy")
            lines.append(f"{TAKEN_PORT}{port}=yes\n")
    (Path("/") / TAKEN_PORTS).write_text("".join(lines), encoding="ascii")
    return 0
