"""Builds in a clean clone with an empty cache, so that nothing from this folder affects them."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT

# The log contains times and paths, so it is not compared.
_LOG_SUFFIX = ".log"
# A fixed URL, because file: URLs would differ between folders.
_BASE_URL = "https://example.org/pvs-bridge/"


@dataclasses.dataclass(frozen=True)
class Clone:
    """A clone of the project's last commit, with its own cache and output folder.

    Attributes:
        folder: the clone.
        cache: the value of XDG_CACHE_HOME for its builds.
    """

    folder: Path
    cache: Path

    @property
    def output(self) -> Path:
        """The output folder."""
        return self.folder / "build"

    @property
    def stages(self) -> Path:
        """The cache folder of its stages."""
        return self.cache / "pvs-bridge/image"

    @property
    def files(self) -> dict[str, Path]:
        """The published files to compare, by name."""
        published = sorted(self.output.iterdir())
        return {file.name: file for file in published if file.suffix != _LOG_SUFFIX}

    @property
    def rootfs(self) -> Path:
        """The newest root file system tar."""
        return max(self.stages.glob("provisioned-*.tar"), key=lambda tar: tar.stat().st_mtime)

    def build(self, epoch: int) -> None:
        """Build the card with BASE=debian.

        Args:
            epoch: the build date, in seconds since 1970.

        Raises:
            ImageError: the build failed; it has printed the reason.
        """
        done = subprocess.run(
            [sys.executable, "-m", "pvs_image", "build", f"--base-url={_BASE_URL}"],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.folder / "image"),
                "SOURCE_DATE_EPOCH": str(epoch),
                "XDG_CACHE_HOME": str(self.cache),
            },
            check=False,
        )
        if done.returncode:
            raise ImageError(f"the build in {self.folder} failed", "see the lines above")

    def remove(self) -> None:
        """Remove the clone and its cache."""
        for folder in (self.folder, self.cache):
            shutil.rmtree(folder, ignore_errors=True)


def make_clone(folder: Path, name: str) -> Clone:
    """Clone the project's last commit.

    Args:
        folder: the parent folder.
        name: the clone's name.

    Raises:
        ImageError: the project is not a git clone.
    """
    clone = folder / name / "pvs-bridge"
    done = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT / '.git'}", "-c", f"safe.directory={PROJECT}",
         "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(clone)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ImageError(
            f"{PROJECT} cannot be cloned: {done.stderr.strip()}", "use a git clone of the project"
        )
    return Clone(clone, folder / name / "cache")
