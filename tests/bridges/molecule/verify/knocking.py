"""Knock at TCP ports: which of them open, which refuse, and which say nothing.

``knocking.py ADDRESS PORT...``
    prints a line for each port, such as ``80 open``, ``81 refused`` or ``82 silent``.
``knocking.py --all ADDRESS``
    knocks at every port there is; prints a line for each that is open.
``knocking.py --until-silent MOST ADDRESS PORT SENDER``
    knocks from the own address SENDER again and again, MOST times if need be, until an answer fails
    to come; prints how many came.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import selectors
import socket
import sys
import time
from collections.abc import Sequence

# An open port answers in a millisecond, unless the machine pauses.
_PATIENCE_SECONDS = 1.0
# A door that opens may be slammed at once.
_STATES = {0: "open", errno.ECONNRESET: "open", errno.ECONNREFUSED: "refused"}
# As many as haproxy takes from one address.
_AT_ONCE = 100
_LAST_PORT = 65535
# Of all ports, so many take a second where there is no answer.
_SWEEP = 4000


def knock(address: str, ports: Sequence[int], sender: str = "") -> list[str]:
    """Knock at all ports at once; what became of each."""
    (family, _, _, _, target), *_ = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)
    states = ["silent"] * len(ports)
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        doors = [stack.enter_context(socket.socket(family)) for _ in ports]
        for number, (door, port) in enumerate(zip(doors, ports, strict=True)):
            door.setblocking(False)
            if sender:
                door.bind((sender, 0))
            door.connect_ex((target[0], port, *target[2:]))
            selector.register(door, selectors.EVENT_WRITE, number)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(0.1):
                selector.unregister(key.fileobj)
                error = doors[key.data].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                states[key.data] = _STATES.get(error, os.strerror(error))
    return states


def knock_at_all(address: str) -> list[int]:
    """Knock at every port; those that are open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found = []
    for first in range(1, _LAST_PORT + 1, _SWEEP):
        ports = range(first, min(first + _SWEEP, _LAST_PORT + 1))
        states = zip(ports, knock(address, ports), strict=True)
        found += [port for port, state in states if state == "open"]
    return found


def main() -> None:
    """Do what the arguments say."""
    if sys.argv[1] == "--all":
        print(*knock_at_all(sys.argv[2]), sep="\n")
        return
    if sys.argv[1] == "--until-silent":
        _, _, most, address, port, sender = sys.argv
        answered = 0
        while answered < int(most):
            states = knock(address, [int(port)] * _AT_ONCE, sender)
            answered += states.count("open")
            if "silent" in states:
                break
        print(answered)
        return
    _, address, *ports = sys.argv
    for port, state in zip(ports, knock(address, [int(each) for each in ports]), strict=True):
        print(port, state)


if __name__ == "__main__":
    main()
