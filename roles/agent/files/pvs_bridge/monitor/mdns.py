"""The PVS's own service in mDNS, as it announces itself in a network that it is in.

Programs that look for a PVS find the bridge by it. It tells the serial number, so it is made only
when that is asked for.
"""

from __future__ import annotations

import re
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


def announcement(supervisor: Supervisor, port: int) -> str | None:
    """Return avahi's file for a PVS; None for one whose serial number or model is odd.

    Args:
        supervisor: the PVS.
        port: where the bridge answers in its place.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{5,32}", supervisor.serial):
        return None
    kind = "pvs5" if supervisor.model.upper().startswith("PVS5") else "pvs6"
    return _TEXT.format(kind=kind, port=port, serial=supervisor.serial)


def announce(text: str, path: Path = SERVICE) -> bool:
    """Have avahi announce it; whether that is new. avahi itself sees the change.

    Raises:
        OSError: The file cannot be written.
    """
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    # avahi reads only names that end with .service, and so never the unfinished file.
    atomic.write(path, text.encode(), 0o644)
    return True
