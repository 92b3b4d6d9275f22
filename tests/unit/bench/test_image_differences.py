"""Comparing two builds names the first difference."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from bench.image_builds.differences import first_difference

PROJECT = Path(__file__).parents[3]
PASSWD = {"./etc/passwd": (b"root", 0o644, 1000)}


def write_tar(path: Path, files: dict[str, tuple[bytes, int, int]]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, (content, mode, seconds) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), mode, seconds
            archive.addfile(member, io.BytesIO(content))
    return path


def difference(
    tmp_path: Path,
    first: dict[str, tuple[bytes, int, int]],
    second: dict[str, tuple[bytes, int, int]],
) -> str:
    """Compare two images that were made from these root file systems."""
    tars = write_tar(tmp_path / "first.tar", first), write_tar(tmp_path / "second.tar", second)
    return first_difference({"card.img": tars[0]}, {"card.img": tars[1]}, tars)


def test_identical_builds_have_no_difference(tmp_path: Path) -> None:
    assert difference(tmp_path, PASSWD, dict(PASSWD)) == ""


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ((b"rooT", 0o644, 1000), "./etc/passwd differs in content"),
        ((b"root", 0o600, 1000), "./etc/passwd differs in mode: 420 and 384"),
        ((b"root", 0o644, 1001), "./etc/passwd differs in mtime: 1000 and 1001"),
        ((b"roots", 0o644, 1000), "./etc/passwd differs in size: 4 and 5"),
    ],
)
def test_the_differing_file_and_field_are_named(
    tmp_path: Path, second: tuple[bytes, int, int], found: str
) -> None:
    assert difference(tmp_path, PASSWD, {"./etc/passwd": second}) == f"card.img differs; {found}"


def test_a_file_in_only_one_root_file_system_is_named(tmp_path: Path) -> None:
    more = {**PASSWD, "./var/log/dpkg.log": (b"", 0o644, 1000)}
    found = difference(tmp_path, PASSWD, more)
    assert found == "card.img differs; only one root file system has ./var/log/dpkg.log"


def test_a_file_published_by_only_one_build_is_named(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "first.tar", PASSWD)
    found = first_difference({"a": tar, "b": tar}, {"a": tar}, (tar, tar))
    assert found == "only one build has b"


def test_the_comparison_explains_its_options() -> None:
    paths = os.pathsep.join([str(PROJECT / "tests"), str(PROJECT / "image")])
    done = subprocess.run(
        [sys.executable, str(PROJECT / "tests/bench/image_reproduce.py"), "--help"],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--keep" in done.stdout
