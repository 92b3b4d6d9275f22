"""Two builds, compared: what differs first is named."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pvs_image.differences import first_difference

PASSWD = {"./etc/passwd": (b"root", 0o644, 1000)}


def write_tar(path: Path, files: dict[str, tuple[bytes, int, int]]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, (content, mode, seconds) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), mode, seconds
            archive.addfile(member, io.BytesIO(content))
    return path


def builds(
    tmp_path: Path, one: dict[str, tuple[bytes, int, int]], other: dict[str, tuple[bytes, int, int]]
) -> str:
    """Compare two cards that were made from these root file systems."""
    tars = write_tar(tmp_path / "one.tar", one), write_tar(tmp_path / "other.tar", other)
    return first_difference({"card.img": tars[0]}, {"card.img": tars[1]}, tars)


def test_the_same_is_the_same(tmp_path: Path) -> None:
    assert builds(tmp_path, PASSWD, dict(PASSWD)) == ""


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ((b"rooT", 0o644, 1000), "./etc/passwd has another content"),
        ((b"root", 0o600, 1000), "./etc/passwd has another mode: 420 and 384"),
        ((b"root", 0o644, 1001), "./etc/passwd has another mtime: 1000 and 1001"),
        ((b"roots", 0o644, 1000), "./etc/passwd has another size: 4 and 5"),
    ],
)
def test_the_file_that_differs_is_named_and_in_what(
    tmp_path: Path, other: tuple[bytes, int, int], found: str
) -> None:
    assert builds(tmp_path, PASSWD, {"./etc/passwd": other}) == f"card.img differs; {found}"


def test_a_file_that_only_one_has_is_named(tmp_path: Path) -> None:
    more = {**PASSWD, "./var/log/dpkg.log": (b"", 0o644, 1000)}
    found = builds(tmp_path, PASSWD, more)
    assert found == "card.img differs; only one of the root file systems has ./var/log/dpkg.log"


def test_an_artefact_that_only_one_has_is_named(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "one.tar", PASSWD)
    found = first_difference({"a": tar, "b": tar}, {"a": tar}, (tar, tar))
    assert found == "only one of the builds has made b"
