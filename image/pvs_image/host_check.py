"""Check, before a build, that this machine has the programs, space and rights to do it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.programs import PATH

# Each command and its Debian package.
COMMANDS = {
    "arch-test": "arch-test",
    "mmdebstrap": "mmdebstrap",
    "tar": "tar",
    "unshare": "util-linux",
    "zstd": "zstd",
}
# Packages, two unpacked root file systems, their archives, and the image.
NEEDED_MIB = 6 * 1024
_BINFMT = Path("/proc/sys/fs/binfmt_misc")


def check(folder: Path) -> None:
    """Check all requirements of a build. As root, register the emulator if needed.

    Args:
        folder: the folder for the build's files.

    Raises:
        ImageError: a requirement is not met; the hint says how to meet it.
    """
    check_commands(COMMANDS)
    check_space(folder, NEEDED_MIB)
    check_user()
    check_arm64()


def check_commands(commands: dict[str, str]) -> None:
    """Check that programs are installed.

    Args:
        commands: each command and its Debian package.

    Raises:
        ImageError: some are missing.
    """
    missing = {name: package for name, package in commands.items() if not _is_installed(name)}
    if missing:
        raise ImageError(
            f"missing on this machine: {', '.join(sorted(missing))}",
            f"apt-get install --no-install-recommends {' '.join(sorted(set(missing.values())))}",
        )


def check_space(folder: Path, needed_mib: int) -> None:
    """Check that a folder's disk has enough free space.

    Raises:
        ImageError: it has less.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mib = shutil.disk_usage(existing).free // 2**20
    if free_mib < needed_mib:
        raise ImageError(
            f"{folder} must have {needed_mib} MiB of free space, got {free_mib} MiB",
            "free some space, or set XDG_CACHE_HOME to a folder on a larger disk",
        )


def check_user() -> None:
    """Check that the user is root, or can be root in a user namespace.

    Raises:
        ImageError: neither, so files of other owners cannot be made.
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
            f"this user cannot be root in a user namespace: {probe.stderr.strip()}",
            "run it with sudo; or add ranges for the user to /etc/subuid and /etc/subgid, and "
            "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1",
        )


def check_arm64() -> None:
    """Check that arm64 programs run, on the processor or in an emulator.

    As root, register the emulator if needed: a restarted container loses the registration.

    Raises:
        ImageError: they do not run.
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
        f"this machine ({platform.machine()}) cannot run arm64 programs",
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


def _is_installed(name: str) -> bool:
    return shutil.which(name, path=PATH) is not None
