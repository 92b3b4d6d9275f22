"""Reading an initrd that the real cpio and zstd have made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pvs_image.errors import ImageError
from pvs_image.initrd import read_files


def cpio(folder: Path, files: dict[str, bytes]) -> bytes:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    names = "\n".join(files).encode()
    done = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc"],
        cwd=folder, input=names, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


def zstd(content: bytes) -> bytes:
    return subprocess.run(["zstd", "-c"], input=content, capture_output=True, check=True).stdout


@pytest.mark.needs_system
def test_both_archives_are_read(tmp_path: Path) -> None:
    plain = cpio(tmp_path / "plain", {"early": b"odd", "empty": b""})
    packed = zstd(cpio(tmp_path / "packed", {"late": b"four"}))
    initrd = tmp_path / "initrd.img"
    initrd.write_bytes(plain + packed)
    assert read_files(initrd) == {"early": b"odd", "late": b"four"}


@pytest.mark.needs_system
def test_an_uncompressed_archive_is_read(tmp_path: Path) -> None:
    initrd = tmp_path / "initrd.img"
    initrd.write_bytes(cpio(tmp_path / "plain", {"only": b"one"}))
    assert read_files(initrd) == {"only": b"one"}


@pytest.mark.parametrize("content", [b"#!/bin/sh\n", b"\x1f\x8bgzip"])
def test_a_file_that_is_not_an_initrd_is_refused(tmp_path: Path, content: bytes) -> None:
    initrd = tmp_path / "initrd.img"
    initrd.write_bytes(content)
    with pytest.raises(ImageError, match=r"initrd\.img is not an initrd"):
        read_files(initrd)


@pytest.mark.needs_system
def test_a_damaged_initrd_is_refused(tmp_path: Path) -> None:
    initrd = tmp_path / "initrd.img"
    initrd.write_bytes(zstd(cpio(tmp_path / "packed", {"late": b"four"}))[:-12])
    with pytest.raises(ImageError, match=r"initrd\.img is damaged"):
        read_files(initrd)
