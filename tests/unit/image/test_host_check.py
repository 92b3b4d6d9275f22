"""What a machine lacks is said before anything is made, each thing with its hint."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.image.cards import said_by

from pvs_image import host_check
from pvs_image.errors import ImageError
from pvs_image.paths import IMAGE


def test_missing_programs_are_named_with_the_packages_that_bring_them() -> None:
    with pytest.raises(ImageError, match="missing on this machine: no-such-program") as error:
        host_check.check_commands({"sh": "dash", "no-such-program": "no-such-package"})
    assert error.value.hint == "apt-get install --no-install-recommends no-such-package"


def test_a_disk_that_is_too_small_is_refused_before_it_is_full(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"MiB are free there, and \d+ MiB are needed"):
        host_check.check_space(tmp_path / "not/there/yet", 2**40)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_with_space_is_accepted(tmp_path: Path) -> None:
    host_check.check_space(tmp_path, 1)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pvs_image", *arguments],
        env={**os.environ, "PYTHONPATH": str(IMAGE), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_mistake_on_the_command_line_is_told_in_two_lines() -> None:
    done = command("build", SOURCE_DATE_EPOCH="yesterday")
    assert done.returncode == 1
    assert done.stderr.startswith("error: SOURCE_DATE_EPOCH=yesterday is not a number")
    assert done.stderr.splitlines()[1].startswith("  hint: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "arch"], "BASE=arch is unknown\n  hint: choose one of debian, raspios"),
        (["--base-image", "os.img.xz"], "BASE=debian is made of packages, and takes neither"),
        (["--base", "raspios"], "BASE_IMAGE is missing: the base raspios starts from"),
        (["--base-url", "build"], "BASE_URL=build is no web address"),
    ],
)
def test_what_cannot_be_built_is_refused_before_any_work_is_done(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    done = command("build", *arguments, "--folder", str(tmp_path), XDG_CACHE_HOME=str(cache))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {said}")
    assert list(tmp_path.rglob("*.*")) == []


def test_a_cache_that_cannot_be_written_to_is_named(disk_of: Callable[[int], Path]) -> None:
    disk = disk_of(8 * 1024**2)
    said_by("mount", "-o", "remount,ro", disk)
    done = command("build", XDG_CACHE_HOME=str(disk))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {disk}/pvs-bridge: Read-only file system\n"
        "  hint: give it a folder that can be written to\n"
    )


def test_each_command_says_what_it_is_for() -> None:
    done = command("--help")
    assert done.returncode == 0
    for name in ("bench", "build", "personalise", "reproduce"):
        assert f"\n    {name}" in done.stdout
