"""The copy of this project on the card, which the Pi uses to provision itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT

# Everything the card gets, and what roles/agent/tasks/card.yml renews: what
# `ansible-playbook ansible/site.yml` reads, the version number that the report prints
# (pyproject.toml), and the licence, which must accompany every copy. The programs of the controller
# are left out, because they need Python packages that Debian's card lacks.
ON_CARD = (
    "LICENSE",
    "ansible.cfg",
    "ansible/collections",
    "ansible/health.yml",
    "ansible/site.yml",
    "pyproject.toml",
    "roles",
)


# Documentation, which the Pi does not need.
_NOT_ON_CARD = (":(exclude)*.md", ":(exclude)*.png")


def copy_project(target: Path) -> None:
    """Replace a folder by the card's copy of this project, with modes that do not vary.

    Args:
        target: the folder; an older copy is removed.

    Raises:
        ImageError: the project is not a git clone.
    """
    if target.exists():
        shutil.rmtree(target)
    _copy(project_files(), target)


def copy_documentation(target: Path) -> None:
    """Copy the README files of the roles.

    Args:
        target: the folder.

    Raises:
        ImageError: the project is not a git clone.
    """
    _copy(_listed("roles/*/README.md"), target)


def _copy(files: Iterable[Path], target: Path) -> None:
    for file in files:
        copy = target / file.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            copy.symlink_to(file.readlink())
            continue
        shutil.copyfile(file, copy)
        copy.chmod(0o755 if os.access(file, os.X_OK) else 0o644)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def project_files() -> list[Path]:
    """Return the files below ON_CARD that git tracks or would track.

    Raises:
        ImageError: the project is not a git clone.
    """
    return _listed(*ON_CARD, *_NOT_ON_CARD)


def _listed(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard", "--", *patterns],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        raise ImageError(
            f"{PROJECT} is not a git clone, so its files cannot be listed",
            "clone the project instead of copying it",
        )
    names = sorted(filter(None, listed.stdout.split("\0")))
    # git also lists files that were deleted but not committed.
    return [PROJECT / name for name in names if os.path.lexists(PROJECT / name)]
