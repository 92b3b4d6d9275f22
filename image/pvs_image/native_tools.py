"""Native tools: amd64 programs in the arm64 root file system while an amd64 machine builds it.

An amd64 builder emulates every arm64 instruction, and most of them are spent in the shells, Perl
and Python of maintainer scripts. The amd64 programs of the same Debian release give the same
results in a twentieth of the time. They are mounted, never copied, and :mod:`pvs_image.rootfs`
checks that none of them gets onto the card.

dpkg itself stays emulated, because its architecture is compiled in, and only a patched binary could
replace it. The stage "base" takes 147 s of CPU time that way, instead of 89 s with an edited dpkg
(measured on 2 cores with Debian 12).
"""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from pvs_image.build_inputs import DEBIAN_RELEASE, mirror, read_list
from pvs_image.build_log import Log
from pvs_image.paths import IMAGE
from pvs_image.stages import Stage, digest_of

FOLDER = IMAGE / "base" / "native_tools"
# Comes first in PATH, inside the root file system.
SEARCH_PATH = "/native/programs"
PYTHON = "/native/usr/bin/python3"
# dpkg's programs with an architecture compiled in.
_DPKG_PROGRAMS = ("dpkg", "dpkg-divert", "dpkg-query", "dpkg-split", "dpkg-trigger")
# Prefixes of programs that report on the machine, or that make files for it.
_EXCLUDED_PREFIXES = (
    "arch", "debconf", "localedef", "py3", "systemd-detect-virt", "systemd-machine-id-setup",
    "uname", "update-alternatives",
)  # fmt: skip


def are_available() -> bool:
    """Return whether this machine can run the native tools: they are for amd64."""
    return platform.machine() == "x86_64"


def native_tools_stage() -> Stage:
    """Return the stage that makes the folder that is mounted as /native."""
    code = [IMAGE / "pvs_image" / name for name in ("build_inputs.py", "native_tools.py")]
    return Stage(
        name="native_tools",
        suffix=".d",
        depends_on={"recipe": digest_of([FOLDER, *code], IMAGE), "mirror": " ".join(mirror())},
        make=_make,
    )


def _make(target: Path, log: Log) -> None:
    """Make the folder.

    Args:
        target: the folder.
        log: the log of the stage.

    Raises:
        ImageError: the packages cannot be downloaded.
    """
    log.run(
        [
            "mmdebstrap", "--mode=root", "--variant=extract", "--arch=amd64",
            '--aptopt=APT::Install-Recommends "false"',
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")),
            f"--include={','.join(read_list(FOLDER / 'packages'))}",
            DEBIAN_RELEASE, str(target), *mirror(),
        ],
        hint="check whether Debian's mirror answers; DEBIAN_MIRROR=http://... selects another",
    )  # fmt: skip
    for script in ("attach", "bind-programs", "bound-programs", "detach"):
        shutil.copy(FOLDER / script, target)
    programs = target / "programs"
    programs.mkdir()
    for program in (target / "usr/bin").iterdir():
        if program.name in _DPKG_PROGRAMS or program.name.startswith(_EXCLUDED_PREFIXES):
            continue
        (programs / program.name).symlink_to(f"../usr/bin/{program.name}")
    shutil.copy(FOLDER / "dpkg", programs)
