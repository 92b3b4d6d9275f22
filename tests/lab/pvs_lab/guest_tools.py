"""The lab's tools for a guest whose card must not be changed.

A second disk contains an access point, the radio's tools and QEMU's guest agent, from Debian's
packages. A unit mounts the disk and starts them. The unit is a systemd credential on the kernel's
command line, so the lab changes nothing on the card.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pvs_lab import radio_card
from pvs_lab.errors import LabError
from pvs_lab.paths import cache_dir

# The disk's serial number; systemd finds it under /dev/disk/by-id.
SERIAL = "pvs-lab"
_UNIT = "pvs-bridge-lab.service"
_RELEASE = "trixie"
_PROGRAMS = ("hostapd", "hostapd_cli", "iw", "qemu-ga")
_PACKAGES = ("hostapd", "iw", "qemu-guest-agent")
_FILES = Path(__file__).with_name("guest_tools_files")
_SIZE = "128M"


def kernel_arguments() -> tuple[str, ...]:
    """Return the kernel arguments that start the lab's unit."""
    text = (_FILES / _UNIT).read_bytes()
    credential = f"systemd.extra-unit.{_UNIT}:{base64.b64encode(text).decode()}"
    return (f"systemd.set_credential_binary={credential}", f"systemd.wants={_UNIT}")


def provide(report: Callable[[str], None]) -> Path:
    """Return the disk, and build it if the cache lacks it.

    Args:
        report: called with a line to show when something takes time.

    Raises:
        LabError: the packages could not be downloaded.
    """
    files = {
        **{path.name: path.read_text() for path in sorted(_FILES.iterdir())},
        "ap-1.conf": radio_card.HOME.hostapd_conf("wlan1").decode(),
        **{f"bin/{name}": _with_own_libraries(name) for name in _PROGRAMS},
    }
    description = json.dumps([_RELEASE, _PACKAGES, files], sort_keys=True)
    digest = hashlib.sha256(description.encode()).hexdigest()[:12]
    folder = cache_dir() / "guest-tools"
    folder.mkdir(parents=True, exist_ok=True)
    disk = folder / f"{digest}.img"
    with _locked(folder / "lock"):
        if not disk.exists():
            report("building the disk with the lab's tools for guests")
            _build(files, disk)
    return disk


def _with_own_libraries(program: str) -> str:
    """Return a script that runs a program with the disk's own libraries."""
    return (
        "#!/bin/sh\n"
        "kit=/run/pvs-bridge-lab/usr\n"
        "libraries=$kit/lib/aarch64-linux-gnu\n"
        f'exec "$libraries/ld-linux-aarch64.so.1" --library-path "$libraries" '
        f'"$kit/sbin/{program}" "$@"\n'
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that two labs do not build the disk at once."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(files: dict[str, str], disk: Path) -> None:
    """Build the disk under a temporary name."""
    with tempfile.TemporaryDirectory(dir=disk.parent) as temporary:
        root, unfinished = Path(temporary) / "root", Path(temporary) / "disk"
        _run(
            # Only unpacked, because this machine's processor cannot run the packages' scripts.
            "mmdebstrap", "--variant=extract", "--arch=arm64", f"--include={','.join(_PACKAGES)}",
            '--aptopt=APT::Install-Recommends "false"',
            _RELEASE, str(root), os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian"),
        )  # fmt: skip
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        _run("mke2fs", "-q", "-t", "ext4", "-d", str(root), str(unfinished), _SIZE)
        unfinished.rename(disk)


def _run(*command: str) -> None:
    """Run a program; its last lines are in the error if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(
            f"the lab's disk for guests was not built: {command[0]}: {done.stderr.strip()[-500:]}",
            "see the lines above; DEBIAN_MIRROR=http://... chooses another mirror",
        )
