"""Announce the PVS by mDNS, as a PVS announces itself in its own network.

Programs that look for a PVS find the bridge by it. The announcement contains the serial number, so
it is off by default. While the PVS announces itself in the same network, the bridge does not.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.pvs.devices import Supervisor

SERVICE = Path("/etc/avahi/services/pvs-bridge-pvs.service")
_TEXT = """\
<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<!-- Written by pvs-bridge-monitor: status_announce_pvs. -->
<service-group>
  <name replace-wildcards="yes">PVS behind %h</name>
  <service>
    <type>_{kind}._tcp</type>
    <port>{port}</port>
    <txt-record>serialnum={serial}</txt-record>
  </service>
</service-group>
"""
# RFC 6762
_GROUP, _PORT = "224.0.0.251", 5353
# In the name of each bridge's announcement.
_BRIDGE = b"PVS behind "
_PTR, _INTERNET = 12, 1


def announcement(supervisor: Supervisor, port: int) -> str | None:
    """Return avahi's file for a PVS; None if its serial number is not valid.

    Args:
        supervisor: The PVS.
        port: The port of the bridge.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{5,32}", supervisor.serial):
        return None
    kind = "pvs5" if supervisor.model.upper().startswith("PVS5") else "pvs6"
    return _TEXT.format(kind=kind, port=port, serial=supervisor.serial)


def announces_itself(serial: str, interface: str, seconds: float = 2.0) -> bool:
    """Return whether a PVS announces itself in the home network.

    The answer to a question for a service contains its TXT record (RFC 6763, section 12.1).

    Args:
        serial: The PVS's serial number.
        interface: The interface to the home network.
        seconds: How long to wait for answers. RFC 6762 has responders answer within 0.5 s.

    Raises:
        OSError: The network cannot be asked.
    """
    text = f"serialnum={serial}".encode()
    wanted = bytes([len(text)]) + text
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        # Beside avahi. A socket bound to the group takes no packet from avahi's.
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        asking.bind((_GROUP, _PORT))
        number = socket.if_nametoindex(interface)
        member = struct.pack("4s4si", socket.inet_aton(_GROUP), bytes(4), number)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, member)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        asking.sendto(_questions("pvs5", "pvs6"), (_GROUP, _PORT))
        while (left := deadline - time.monotonic()) > 0:
            asking.settimeout(left)
            try:
                answer = asking.recv(9000)
            except TimeoutError:
                break
            if wanted in answer and _BRIDGE not in answer:
                return True
    return False


def _questions(*kinds: str) -> bytes:
    """Return a packet that asks for services of some kinds."""
    packet = struct.pack("!6H", 0, 0, len(kinds), 0, 0, 0)
    for kind in kinds:
        labels = (f"_{kind}".encode(), b"_tcp", b"local", b"")
        packet += b"".join(bytes([len(label)]) + label for label in labels)
        packet += struct.pack("!2H", _PTR, _INTERNET)
    return packet


def announce(text: str | None, path: Path = SERVICE) -> bool:
    """Write avahi's file, or remove it; avahi notices the change.

    Args:
        text: The file's text; None to announce nothing.
        path: The file.

    Returns:
        whether the file was changed.

    Raises:
        OSError: The file cannot be written.
    """
    if text is None:
        announced = path.exists()
        path.unlink(missing_ok=True)
        return announced
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    # avahi reads only names that end with .service, so it never reads the unfinished file.
    atomic.write(path, text.encode(), 0o644)
    return True
