"""The keyboard layout of Raspberry Pi Imager's form, for a login with a screen at the Pi."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from pvs_bridge import atomic

FILE = Path("/etc/default/keyboard")

# Names of XKB. The file is read by a shell.
_NAME = re.compile(r"[A-Za-z0-9_,-]+")


def provide(layout: str, model: str, file: Path = FILE) -> str:
    """Write the layout, and load it if the card has Debian's console-setup.

    Args:
        layout: Such as ``gb``.
        model: Such as ``pc105``.
        file: See keyboard(5) of Debian's keyboard-configuration.

    Returns:
        a note for the report; empty if the layout is loaded.

    Raises:
        OSError: The disk is full or read-only.
    """
    if not (_NAME.fullmatch(layout) and _NAME.fullmatch(model)):
        return "the keyboard layout of Imager's form is not a name, and was ignored"
    settings = {"XKBMODEL": model, "XKBLAYOUT": layout, "XKBVARIANT": "", "XKBOPTIONS": ""}
    lines = [*(f'{name}="{value}"\n' for name, value in settings.items()), 'BACKSPACE="guess"\n']
    atomic.write(file, "".join(lines).encode(), mode=0o644)
    try:
        done = subprocess.run(["setupcon", "--keyboard-only", "--force"], check=False)
    except FileNotFoundError:
        return (
            f"the keyboard layout {layout} has no effect yet, because the card has no layouts. "
            "Hint, for a login with a screen at the Pi: apt install console-setup"
        )
    return "" if done.returncode == 0 else f"the keyboard layout {layout} could not be loaded"
