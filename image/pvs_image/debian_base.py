"""Stage "base": Debian for the Pi, installed by mmdebstrap, before any role is applied."""

from __future__ import annotations

from pathlib import Path

from pvs_image.build_inputs import DEBIAN_RELEASE, DEBIAN_RELEASE_EPOCH, mirror, read_list
from pvs_image.build_log import Log
from pvs_image.native_tools import SEARCH_PATH
from pvs_image.paths import IMAGE
from pvs_image.programs import PATH
from pvs_image.scratch_folder import scratch_folder
from pvs_image.stages import Stage, digest_of

FOLDER = IMAGE / "base"
_DPKG_OPTIONS = FOLDER / "files/etc/dpkg/dpkg.cfg.d/pvs-bridge"
_CODE = ("build_inputs.py", "debian_base.py", "native_tools.py")


def base_stage(tools: Path | None) -> Stage:
    """Return the stage that makes the tar of Debian's root file system.

    Args:
        tools: the folder of :mod:`pvs_image.native_tools`; None without native tools.
    """
    code = [IMAGE / "pvs_image" / name for name in _CODE]
    return Stage(
        name="base",
        suffix=".tar",
        depends_on={
            "recipe": digest_of([FOLDER, *code], IMAGE),
            "mirror": " ".join(mirror()),
            "native tools": "yes" if tools else "no",
        },
        make=lambda target, log: _make(target, log, tools),
    )


def _make(target: Path, log: Log, tools: Path | None) -> None:
    """Make the tar.

    Raises:
        ImageError: a package cannot be downloaded or installed.
    """
    log.step("install Debian packages")
    # Where dpkg and the maintainer scripts look for programs, inside the root file system.
    search_path = ":".join([*([SEARCH_PATH] if tools else []), "/usr/sbin:/usr/bin:/sbin:/bin"])
    hooks = [
        f"--{hook}-hook='{FOLDER}/hooks/{hook}' \"$1\""
        for hook in ("extract", "essential", "customize")
    ]
    with scratch_folder(target.parent, log) as folder:
        log.run(
            [
                "mmdebstrap", "--verbose", "--mode=root", "--variant=minbase", "--arch=arm64",
                "--format=tar", "--components=main,non-free-firmware",
                f"--include={','.join(read_list(FOLDER / 'packages'))}",
                "--skip=output/dev",
                '--aptopt=APT::Install-Recommends "false"',
                f'--aptopt=DPkg::Path "{search_path}"',
                # The build starts again after a power cut, so no file needs an fsync.
                "--dpkgopt=force-unsafe-io",
                # Keep image/base/files where a package ships the same configuration file.
                "--dpkgopt=force-confold",
                *(f"--dpkgopt={line}" for line in read_list(_DPKG_OPTIONS)),
                *hooks, DEBIAN_RELEASE, str(target), *mirror(),
            ],
            hint="see the lines above; DEBIAN_MIRROR=http://... selects another mirror",
            environment={
                "PATH": f"{search_path}:{PATH}",
                "PVS_FILES": str(FOLDER / "files"),
                "PVS_TOOLS": str(tools or ""),
                "SOURCE_DATE_EPOCH": str(DEBIAN_RELEASE_EPOCH),
                "TMPDIR": str(folder),
            },
        )  # fmt: skip
