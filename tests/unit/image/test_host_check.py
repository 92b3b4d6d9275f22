"""Missing requirements are reported before any work, each with a hint."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.image.cards import output_of

from pvs_image import host_check
from pvs_image.errors import ImageError
from pvs_image.paths import IMAGE


def test_missing_programs_are_named_with_their_packages() -> None:
    with pytest.raises(ImageError, match="missing on this machine: no-such-program") as error:
        host_check.check_commands({"sh": "dash", "no-such-program": "no-such-package"})
    assert error.value.hint == "apt-get install --no-install-recommends no-such-package"


def test_too_little_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"must have \d+ MiB of free space, got \d+ MiB"):
        host_check.check_space(tmp_path / "not/there/yet", 2**40)
    assert list(tmp_path.iterdir()) == []


def test_enough_space_is_accepted(tmp_path: Path) -> None:
    host_check.check_space(tmp_path, 1)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pvs_image", *arguments],
        env={**os.environ, "PYTHONPATH": str(IMAGE), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_error_has_a_line_for_the_problem_and_one_for_the_hint() -> None:
    done = command("build", SOURCE_DATE_EPOCH="yesterday")
    assert done.returncode == 1
    assert done.stderr.startswith("error: SOURCE_DATE_EPOCH must be a number of seconds")
    assert done.stderr.splitlines()[1].startswith("  hint: ")


@pytest.mark.needs_system
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base", "arch"], "BASE must be one of: debian, raspios (got arch)\n  hint: "),
        (["--base-image", "os.img.xz"], "BASE=debian is built from packages and takes neither"),
        (["--base", "raspios"], "BASE_IMAGE is missing: BASE=raspios needs"),
        (["--base-url", "build"], "BASE_URL must start with https:// or http:// (got build)"),
    ],
)
def test_contradictory_options_are_refused_before_any_work(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    done = command("build", *arguments, "--folder", str(tmp_path), XDG_CACHE_HOME=str(cache))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {message}")
    assert list(tmp_path.rglob("*.*")) == []


@pytest.mark.needs_system
def test_a_read_only_cache_is_named(disk_of: Callable[[int], Path]) -> None:
    disk = disk_of(8 * 1024**2)
    output_of("mount", "-o", "remount,ro", disk)
    done = command("build", XDG_CACHE_HOME=str(disk))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {disk}/pvs-bridge: Read-only file system\n  hint: choose a writable folder\n"
    )


def test_help_lists_each_command() -> None:
    done = command("--help")
    assert done.returncode == 0
    for name in ("build", "personalise"):
        assert f"\n    {name}" in done.stdout
