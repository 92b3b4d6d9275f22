"""Other people's programs, run so that a failure says what they said."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pvs_image.errors import ImageError

# Where to get what may be missing on a Debian machine.
_PACKAGES = {
    "debugfs": "e2fsprogs",
    "fuse2fs": "fuse2fs",
    "mcopy": "mtools",
    "mdel": "mtools",
    "mkfs.vfat": "dosfstools",
    "mke2fs": "e2fsprogs",
    "mmd": "mtools",
    "tar": "tar",
    "unshare": "util-linux",
    "xz": "xz-utils",
}
# A Debian user's own path lacks the system's programs.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def run(
    program: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    stdin: str | None = None,
    output: Path | None = None,
) -> str:
    """Run a program to its end, in plain English and UTC.

    Args:
        program: its name.
        arguments: of the program.
        environment: more variables for it.
        stdin: what it reads.
        output: a file that takes what it prints; without it that is returned.

    Returns:
        what it printed.

    Raises:
        ImageError: it is missing, or fails.
    """
    found = shutil.which(program, path=PATH)
    if found is None:
        package = _PACKAGES.get(program, program)
        raise ImageError(f"{program} is missing", f"apt-get install {package}")
    command: Sequence[str] = [found, *map(str, arguments)]
    settings = {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(environment or {})}
    with open(output or os.devnull, "wb") as file:  # noqa: PTH123 - a path or none
        done = subprocess.run(
            command,
            input=(stdin or "").encode(),
            stdout=file if output else subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=settings,
            check=False,
        )
    if done.returncode:
        said = [*(done.stdout or b"").splitlines(), *done.stderr.splitlines()][-5:]
        raise ImageError(
            f"{program} failed: {' '.join(b' '.join(said).decode(errors='replace').split())}",
            "read what it says; a full disk and a broken input are the usual reasons",
        )
    return (done.stdout or b"").decode(errors="replace")
