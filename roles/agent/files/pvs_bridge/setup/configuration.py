"""The file with the bridge's variables."""

from __future__ import annotations

from pathlib import Path

import yaml

from pvs_bridge import atomic
from pvs_bridge.errors import IssueError, Location
from pvs_bridge.setup.interfaces import Interface

FILE = Path("/etc/pvs-bridge/bridge.yml")

_TEMPLATE = """\
# The variables of this bridge. After a change: sudo pvs-bridge apply
# All of them have defaults; /usr/share/doc/pvs-bridge/roles describes them.

# The interface of the home network. The type none keeps the connection as it is. With the type wifi
# the bridge also watches and repairs the Wi-Fi; see roles/uplink.
uplink_type: none
uplink_interface: {uplink}

# The Ethernet interface of the PVS's cable.
pvs_link_interface: {pvs_link}
"""
_NO_KEYS = """
# No user of this Pi has an SSH key.
sshd_password_login: true
"""
_NO_CABLE = """
# The PVS was not connected at the setup. Remove this line once it is.
health_required: false
"""


def new_text(uplink: Interface, pvs_link: Interface, *, has_keys: bool) -> str:
    """Return the content of a new file.

    Args:
        uplink: The interface of the home network.
        pvs_link: The interface of the PVS.
        has_keys: Whether a user of this Pi has an SSH key.
    """
    text = _TEMPLATE.format(uplink=uplink.name, pvs_link=pvs_link.name)
    return text + ("" if has_keys else _NO_KEYS) + ("" if pvs_link.has_cable else _NO_CABLE)


def write(text: str, file: Path) -> None:
    """Write the file; only root can read it, because it may contain passwords.

    Raises:
        OSError: The disk is full or read-only.
    """
    file.parent.mkdir(mode=0o755, exist_ok=True)
    atomic.write(file, text.encode(), mode=0o600)


def check(file: Path) -> None:
    """Check that a file is a list of variables. The playbook checks the variables themselves.

    Raises:
        IssueError: It is not.
    """
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IssueError("the file is missing", "run sudo pvs-bridge setup", _at(file)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise IssueError(
            f"not valid YAML: {error.problem or error.context}",
            "correct that line, or quote its value",
            Location(str(file), line),
        ) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise IssueError(f"cannot be read: {error}", "", _at(file)) from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise IssueError(
            f"must have lines such as uplink_interface: wlan0, got {type(found).__name__}",
            "remove the file and run sudo pvs-bridge setup for a new one",
            _at(file),
        )


def _at(file: Path) -> Location:
    return Location(str(file))
