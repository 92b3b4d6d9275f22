"""The first stage: Debian for the Pi, without anything of this project's roles."""

from __future__ import annotations

from pathlib import Path

from pvs_image.log import Log
from pvs_image.paths import IMAGE
from pvs_image.programs import PATH
from pvs_image.recipe import RELEASE, RELEASE_EPOCH, mirror, read_list
from pvs_image.scratch import scratch
from pvs_image.stages import Stage, digest_of
from pvs_image.tools import SEARCHED

FOLDER = IMAGE / "base"
_DPKG_OPTIONS = FOLDER / "files/etc/dpkg/dpkg.cfg.d/pvs-bridge"
_CODE = ("base.py", "recipe.py", "tools.py")


def base_stage(tools: Path | None) -> Stage:
    """Describe the stage; it makes the tar of a root file system.

    Args:
        tools: those of the builder that are lent, see :mod:`pvs_image.tools`; None for none.
    """
    code = [IMAGE / "pvs_image" / each for each in _CODE]
    return Stage(
        name="base",
        suffix=".tar",
        depends_on={
            "recipe": digest_of([FOLDER, *code], IMAGE),
            "mirror": " ".join(mirror()),
            "tools": "lent" if tools else "none",
        },
        make=lambda target, log: _make(target, log, tools),
    )


def _make(target: Path, log: Log, tools: Path | None) -> None:
    """Make the tar.

    Raises:
        ImageError: a package cannot be had or installed.
    """
    log.step("installs Debian's packages")
    # Inside of the root file system dpkg and the scripts of packages search here.
    searched = ":".join([*([SEARCHED] if tools else []), "/usr/sbin:/usr/bin:/sbin:/bin"])
    hooks = [
        f"--{hook}-hook='{FOLDER}/hooks/{hook}' \"$1\""
        for hook in ("extract", "essential", "customize")
    ]
    with scratch(target.parent, log) as folder:
        log.run(
            [
                "mmdebstrap", "--verbose", "--mode=root", "--variant=minbase", "--arch=arm64",
                "--format=tar", "--components=main,non-free-firmware",
                f"--include={','.join(read_list(FOLDER / 'packages'))}",
                "--skip=output/dev",
                '--aptopt=APT::Install-Recommends "false"',
                f'--aptopt=DPkg::Path "{searched}"',
                # Nothing has to survive a power cut here.
                "--dpkgopt=force-unsafe-io",
                # Ours are there before the packages that have the same.
                "--dpkgopt=force-confold",
                *(f"--dpkgopt={line}" for line in read_list(_DPKG_OPTIONS)),
                *hooks, RELEASE, str(target), *mirror(),
            ],
            hint="see the lines above; DEBIAN_MIRROR=http://... chooses another mirror",
            environment={
                "PATH": f"{searched}:{PATH}",
                "PVS_FILES": str(FOLDER / "files"),
                "PVS_TOOLS": str(tools or ""),
                "SOURCE_DATE_EPOCH": str(RELEASE_EPOCH),
                "TMPDIR": str(folder),
            },
        )  # fmt: skip
