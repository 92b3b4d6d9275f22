"""Fixtures: a small root file system, and the image made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unit.image.cards import EPOCH, output_of, write_rootfs

from pvs_image.disk_image import make_disk


@pytest.fixture(scope="session")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system as a tar."""
    return write_rootfs(tmp_path_factory.mktemp("rootfs") / "rootfs.tar")


@pytest.fixture(scope="session")
def card(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image made from it; tests must not modify it."""
    target = tmp_path_factory.mktemp("card") / "card.img"
    make_disk(rootfs, target, source_date_epoch=EPOCH)
    return target


@pytest.fixture
def disk_of(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Return a function that mounts a tmpfs of the given size in KiB."""
    disks: list[Path] = []

    def make(size_kib: int) -> Path:
        disk = tmp_path / f"disk-{size_kib}"
        disk.mkdir()
        output_of("mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", disk)
        disks.append(disk)
        return disk

    yield make
    for disk in disks:
        output_of("umount", disk)
