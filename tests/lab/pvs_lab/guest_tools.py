"""The lab's kit: what it brings into a Pi whose card is not to be changed.

A second disk holds an access point, the radio's tools and QEMU's guest agent, as Debian's packages
have them. One unit mounts it and starts them. That unit is a credential of systemd on the kernel's
command line, so no byte of the card is the lab's.
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

# What the disk calls itself: systemd finds it under /dev/disk/by-id.
SERIAL = "pvs-lab"
_UNIT = "pvs-bridge-lab.service"
_RELEASE = "trixie"
_PROGRAMS = ("hostapd", "hostapd_cli", "iw", "qemu-ga")
_PACKAGES = ("hostapd", "iw", "qemu-guest-agent")
_FILES = Path(__file__).with_name("guest_tools_files")
_SIZE = "128M"


def kernel_arguments() -> tuple[str, ...]:
    """What has the Pi's systemd start the lab's unit."""
    text = (_FILES / _UNIT).read_bytes()
    credential = f"systemd.extra-unit.{_UNIT}:{base64.b64encode(text).decode()}"
    return (f"systemd.set_credential_binary={credential}", f"systemd.wants={_UNIT}")


def provide(report: Callable[[str], None]) -> Path:
    """Return the disk, making it when the cache lacks it.

    Args:
        report: called with a line to show when something takes time.

    Raises:
        LabError: the packages could not be had.
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
            report("fetching what the lab brings into a flashed Pi")
            _build(files, disk)
    return disk


def _with_own_libraries(program: str) -> str:
    """A script that runs a program of the disk, whatever libraries the card has."""
    return (
        "#!/bin/sh\n"
        "kit=/run/pvs-bridge-lab/usr\n"
        "libraries=$kit/lib/aarch64-linux-gnu\n"
        f'exec "$libraries/ld-linux-aarch64.so.1" --library-path "$libraries" '
        f'"$kit/sbin/{program}" "$@"\n'
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that two labs do not make one disk at once."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(files: dict[str, str], disk: Path) -> None:
    """Make the disk under another name first."""
    with tempfile.TemporaryDirectory(dir=disk.parent) as temporary:
        root, unfinished = Path(temporary) / "root", Path(temporary) / "disk"
        _run(
            # Only unpacked: nothing of it has to run on this machine's processor.
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
    """Run a program whose last words matter only where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(
            f"the lab's own disk was not made: {command[0]}: {done.stderr.strip()[-500:]}",
            "see the lines above; DEBIAN_MIRROR=http://... chooses another mirror",
        )
