"""Send single packets, and see whether they arrive: what a firewall lets through, one way.

``datagrams.py hear``
    prints who sends something to port 9999 within three seconds, or nothing.
``datagrams.py say TO [FROM]``
    sends to port 9999 of TO, again and again for two seconds, from the own address FROM.
``datagrams.py ask-for-lease TO FROM``
    asks the DHCP server TO for an address, as a relay FROM does for its own network.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Callable

_PORT = 9999
_DHCP_PORT = 67
_HEAR_SECONDS = 3
_SAY_TIMES = 20


def hear() -> None:
    """Print the sender of the first packet that comes."""
    with socket.socket(type=socket.SOCK_DGRAM) as ear:
        ear.bind(("", _PORT))
        ear.settimeout(_HEAR_SECONDS)
        try:
            print(ear.recvfrom(100)[1][0])
        except TimeoutError:
            return


def say(receiver: str, sender: str = "") -> None:
    """Send until it must have been received."""
    with socket.socket(type=socket.SOCK_DGRAM) as mouth:
        mouth.bind((sender, 0))
        for _ in range(_SAY_TIMES):
            mouth.sendto(b"hello", (receiver, _PORT))
            time.sleep(0.1)


def ask_for_lease(server: str, relay: str) -> None:
    """Send a DHCPDISCOVER (RFC 2131) that the relay has put its address into."""
    mac = bytes.fromhex("02707673ffff")
    head = struct.pack(">4B4s2H12x4s", 1, 1, len(mac), 1, b"home", 0, 0, socket.inet_aton(relay))
    message = head + mac.ljust(16, b"\0") + bytes(192) + bytes.fromhex("63825363 350101 ff")
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.bind((relay, _DHCP_PORT))
        asking.sendto(message, (server, _DHCP_PORT))


def main() -> None:
    """Do what the arguments say."""
    what, *arguments = sys.argv[1:]
    programs: dict[str, Callable[..., None]] = {
        "hear": hear,
        "say": say,
        "ask-for-lease": ask_for_lease,
    }
    programs[what](*arguments)


if __name__ == "__main__":
    main()
