"""Run external programs; an error contains what the program printed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pvs_image.errors import ImageError

# The Debian package of each program.
_PACKAGES = {
    "apt-ftparchive": "apt-utils",
    "debugfs": "e2fsprogs",
    "fuse2fs": "fuse2fs",
    "gpg": "gnupg",
    "mcopy": "mtools",
    "mdel": "mtools",
    "mkfs.vfat": "dosfstools",
    "mke2fs": "e2fsprogs",
    "mmd": "mtools",
    "tar": "tar",
    "unshare": "util-linux",
    "xz": "xz-utils",
}
# The PATH of an ordinary Debian user lacks the sbin folders.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def run(
    program: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    stdin: str | bytes | None = None,
    output: Path | None = None,
    folder: Path | None = None,
) -> str:
    """Run a program to its end, with English messages and in UTC.

    Args:
        program: its name.
        arguments: its arguments.
        environment: additional variables.
        stdin: for its standard input.
        output: a file for its standard output; without it the output is returned.
        folder: where it runs; without it, here.

    Returns:
        its standard output.

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
            input=stdin.encode() if isinstance(stdin, str) else stdin or b"",
            stdout=file if output else subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=settings,
            cwd=folder,
            check=False,
        )
    if done.returncode:
        printed = [*(done.stdout or b"").splitlines(), *done.stderr.splitlines()][-5:]
        raise ImageError(
            f"{program} failed: {' '.join(b' '.join(printed).decode(errors='replace').split())}",
            "read its message; usual reasons are a full disk and damaged input",
        )
    return (done.stdout or b"").decode(errors="replace")
