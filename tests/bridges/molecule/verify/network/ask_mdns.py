"""Ask for a name by multicast DNS, as a phone does: ``ask_mdns.py NAME.local``.

Prints the IPv4 addresses that come back within two seconds, a line each. ``dig`` cannot do it: the
answer comes from the host that has the name, not from the group that was asked.
"""

from __future__ import annotations

import socket
import struct
import sys

_GROUP = ("224.0.0.251", 5353)
_TYPE_A = 1
_CLASS_IN = 1


def query(name: str) -> bytes:
    """Encode a question for a name's IPv4 address (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (
        struct.pack(">6H", 0, 0, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, _TYPE_A, _CLASS_IN)
    )


def addresses(answer: bytes) -> list[str]:
    """Find the addresses in an answer: each record's data follows the type, class and length."""
    mark = struct.pack(">H", _TYPE_A)
    found = []
    for start in range(12, len(answer) - 13):
        kind, length = answer[start : start + 2], answer[start + 8 : start + 10]
        if kind == mark and length == b"\0\4" and answer[start + 3] == _CLASS_IN:
            found.append(socket.inet_ntoa(answer[start + 10 : start + 14]))
    return found


def main() -> None:
    """Ask, wait, print."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(2)
        asking.sendto(query(sys.argv[1]), _GROUP)
        try:
            print("\n".join(addresses(asking.recv(1500))))
        except TimeoutError:
            sys.exit("no answer")


if __name__ == "__main__":
    main()
