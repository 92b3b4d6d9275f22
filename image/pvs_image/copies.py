"""Builds that owe nothing to this folder nor to what has been kept, to compare and to time."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT

# What is handed on but tells of its build: not compared.
_OF_THE_BUILD = ".log"
# A link to the files on this machine would differ between folders.
_BASE_URL = "https://example.org/pvs-bridge/"


@dataclasses.dataclass(frozen=True)
class Copy:
    """A clone of the project's last commit, with a cache and an output folder of its own.

    Attributes:
        folder: the clone.
        cache: what its builds keep.
    """

    folder: Path
    cache: Path

    @property
    def output(self) -> Path:
        """Where its files go."""
        return self.folder / "build"

    @property
    def files(self) -> dict[str, Path]:
        """What it has built and what can be compared, by name."""
        there = sorted(self.output.iterdir())
        return {each.name: each for each in there if each.suffix != _OF_THE_BUILD}

    @property
    def rootfs(self) -> Path:
        """The tar of the root file system that it has built last."""
        made = (self.cache / "pvs-bridge/image").glob("provisioned-*.tar")
        return max(made, key=lambda each: each.stat().st_mtime)

    def build(self, epoch: int) -> None:
        """Build the card of Debian's packages.

        Args:
            epoch: the card's time, in seconds.

        Raises:
            ImageError: it failed, and has said why.
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
            raise ImageError(f"the build in {self.folder} failed", "see above")

    def remove(self) -> None:
        """Remove all of it."""
        for each in (self.folder, self.cache):
            shutil.rmtree(each, ignore_errors=True)


def make_copy(folder: Path, name: str) -> Copy:
    """Clone the project's last commit.

    Args:
        folder: the copy is below it.
        name: of the copy.

    Raises:
        ImageError: this is no clone of git's.
    """
    clone = folder / name / "pvs-bridge"
    done = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT / '.git'}", "clone", "--quiet", "--no-hardlinks",
         str(PROJECT), str(clone)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ImageError(
            f"{PROJECT} cannot be cloned: {done.stderr.strip()}", "commit, or clone it"
        )
    return Copy(clone, folder / name / "cache")
