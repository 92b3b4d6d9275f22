"""Can this machine build a card? Asked before anything is made."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.programs import PATH

# Each command with the Debian package that brings it.
COMMANDS = {
    "arch-test": "arch-test",
    "mmdebstrap": "mmdebstrap",
    "tar": "tar",
    "unshare": "util-linux",
    "zstd": "zstd",
}
# Packages, two root file systems unpacked, their archives, and the card.
NEEDED_MIB = 6 * 1024
_BINFMT = Path("/proc/sys/fs/binfmt_misc")


def check(folder: Path) -> None:
    """Refuse a machine that cannot build a card; as root, register the emulator if it is not.

    Args:
        folder: the one that everything is made in.

    Raises:
        ImageError: what is missing, and how to get it.
    """
    check_commands(COMMANDS)
    check_space(folder, NEEDED_MIB)
    check_user()
    check_arm64()


def check_commands(commands: dict[str, str]) -> None:
    """Refuse a machine that lacks programs.

    Args:
        commands: each with the Debian package that brings it.

    Raises:
        ImageError: some are missing.
    """
    missing = {name: brings for name, brings in commands.items() if not _is_there(name)}
    if missing:
        raise ImageError(
            f"missing on this machine: {', '.join(sorted(missing))}",
            f"apt-get install --no-install-recommends {' '.join(sorted(set(missing.values())))}",
        )


def check_space(folder: Path, needed_mib: int) -> None:
    """Refuse a disk that would be full before the card is there.

    Raises:
        ImageError: there is too little space.
    """
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free_mib = shutil.disk_usage(there).free // 2**20
    if free_mib < needed_mib:
        raise ImageError(
            f"{folder}: {free_mib} MiB are free there, and {needed_mib} MiB are needed",
            "free some, or let XDG_CACHE_HOME name a folder on a larger disk",
        )


def check_user() -> None:
    """Refuse a user who is neither root nor may be it in a namespace of their own.

    Raises:
        ImageError: there is no way to make files of other owners.
    """
    if os.geteuid() == 0:
        return
    check_commands({"newuidmap": "uidmap"})
    probe = subprocess.run(
        ["unshare", "--user", "--map-auto", "--map-root-user", "--mount", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        raise ImageError(
            f"this user cannot be root in a namespace: {probe.stderr.strip()}",
            "run it with sudo; or give the user numbers in /etc/subuid and /etc/subgid, and "
            "allow namespaces: sysctl kernel.unprivileged_userns_clone=1",
        )


def check_arm64() -> None:
    """Refuse a machine that does not run the Pi's programs.

    The registration of the emulator gets lost at times, as with a container that is restarted.

    Raises:
        ImageError: neither the processor nor an emulator runs them.
    """
    if _runs_arm64():
        return
    if os.geteuid() == 0:
        if not (_BINFMT / "register").exists():
            _try("mount", "-t", "binfmt_misc", "none", str(_BINFMT))
        _try("update-binfmts", "--enable", "qemu-aarch64")
        if _runs_arm64():
            return
    raise ImageError(
        f"this machine ({platform.machine()}) does not run programs for arm64",
        "apt-get install --no-install-recommends qemu-user-static binfmt-support; then, as root: "
        f"mount -t binfmt_misc none {_BINFMT}; update-binfmts --enable qemu-aarch64",
    )


def _runs_arm64() -> bool:
    return _try("arch-test", "arm64")


def _try(*command: str) -> bool:
    found = shutil.which(command[0], path=PATH)
    return (
        bool(found)
        and not subprocess.run(
            [str(found), *command[1:]], capture_output=True, check=False
        ).returncode
    )


def _is_there(name: str) -> bool:
    return shutil.which(name, path=PATH) is not None
