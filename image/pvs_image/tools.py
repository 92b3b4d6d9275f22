"""Tools of the builder's own processor, lent to the card's root file system while it is made.

A builder for amd64 has to translate every instruction of the Pi's programs, and most of them are in
the shell, in Perl and in Python that packages' scripts run on. The same programs of the same
release, for amd64, say the same and take a twentieth of the time. They are mounted, never copied:
nothing of them gets onto the card, and :mod:`pvs_image.tree` makes sure of it.
"""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.log import Log
from pvs_image.paths import IMAGE
from pvs_image.recipe import RELEASE, mirror, read_list
from pvs_image.stages import Stage, digest_of

FOLDER = IMAGE / "base" / "tools"
# In front of the card's own programs, inside of its root file system.
SEARCHED = "/native/tools"
PYTHON = "/native/usr/bin/python3"
# dpkg's programs are for the processor whose name stands in them.
_OF_DPKG = ("dpkg", "dpkg-divert", "dpkg-query", "dpkg-split", "dpkg-trigger")
# What tells of the machine that it runs on, or makes something for it.
_NOT_LENT = (
    "arch", "debconf", "localedef", "py3", "systemd-detect-virt", "systemd-machine-id-setup",
    "uname", "update-alternatives",
)  # fmt: skip


def are_lent() -> bool:
    """Tell whether this machine has tools to lend: it is one for amd64."""
    return platform.machine() == "x86_64"


def tools_stage() -> Stage:
    """Describe the stage; it makes the folder that is mounted as /native."""
    code = [IMAGE / "pvs_image" / each for each in ("recipe.py", "tools.py")]
    return Stage(
        name="tools",
        suffix=".d",
        depends_on={"recipe": digest_of([FOLDER, *code], IMAGE), "mirror": " ".join(mirror())},
        make=_make,
    )


def _make(target: Path, log: Log) -> None:
    """Make the folder.

    Args:
        target: the folder.
        log: of the stage.

    Raises:
        ImageError: the packages cannot be had, or dpkg is not as it was.
    """
    log.run(
        [
            "mmdebstrap", "--mode=root", "--variant=extract", "--arch=amd64",
            '--aptopt=APT::Install-Recommends "false"',
            *(f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "locale", "man")),
            f"--include={','.join(read_list(FOLDER / 'packages'))}",
            RELEASE, str(target), *mirror(),
        ],
        hint="see whether Debian's mirror answers; DEBIAN_MIRROR=http://... chooses another",
    )  # fmt: skip
    for each in ("attach", "cover", "covered", "detach"):
        shutil.copy(FOLDER / each, target)
    lent = target / "tools"
    lent.mkdir()
    for program in (target / "usr/bin").iterdir():
        if not program.name.startswith(_NOT_LENT) and program.name not in _OF_DPKG:
            (lent / program.name).symlink_to(f"../usr/bin/{program.name}")
    for name in _OF_DPKG:
        _give_other_architecture(target / "usr/bin" / name, lent / name)
    (lent / "dpkg").rename(lent / "dpkg.real")
    shutil.copy(FOLDER / "dpkg", lent)


def _give_other_architecture(program: Path, copy: Path) -> None:
    """Copy a program of dpkg that takes arm64 for its own processor's name.

    Raises:
        ImageError: the program does not have the name in it.
    """
    code = program.read_bytes()
    if b"\0amd64\0" not in code:
        raise ImageError(
            f"{program.name} of {RELEASE} does not name its architecture as it used to",
            "report this; until it is mended, build on a machine for arm64",
        )
    copy.write_bytes(code.replace(b"\0amd64\0", b"\0arm64\0"))
    copy.chmod(0o755)
