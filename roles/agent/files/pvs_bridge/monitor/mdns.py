"""Announce the PVS by mDNS, as a PVS announces itself in its own network.

Programs that look for a PVS find the bridge by it. The announcement contains the serial number, so
it is off by default.
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
    """Return avahi's file for a PVS; None if its serial number is not valid.

    Args:
        supervisor: The PVS.
        port: The port of the bridge.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{5,32}", supervisor.serial):
        return None
    kind = "pvs5" if supervisor.model.upper().startswith("PVS5") else "pvs6"
    return _TEXT.format(kind=kind, port=port, serial=supervisor.serial)


def announce(text: str, path: Path = SERVICE) -> bool:
    """Write avahi's file; avahi notices the change.

    Returns:
        whether the file was changed.

    Raises:
        OSError: The file cannot be written.
    """
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    # avahi reads only names that end with .service, so it never reads the unfinished file.
    atomic.write(path, text.encode(), 0o644)
    return True
