"""The disk image: it contains the root file system, and its bytes are reproducible."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

import pytest
from unit.image.cards import EPOCH, Entry, members, output_of, write_rootfs

from pvs_image.block_map import partitions_of
from pvs_image.disk_image import make_disk
from pvs_image.errors import ImageError
from pvs_image.raspios import read_rootfs

pytestmark = pytest.mark.needs_system

MIB = 1024 * 1024


def test_files_keep_owner_mode_links_and_capabilities(
    card: Path, rootfs: Path, tmp_path: Path
) -> None:
    back = tmp_path / "back.tar"
    read_rootfs(card, back)
    put, found = members(rootfs), members(back)
    # /dev is left out, and mke2fs makes the root folder itself.
    del put["dev/null"], put["."], found["."]
    on_fat = {path for path in put if path.startswith("boot/firmware/")}
    assert {path: put[path] for path in put.keys() - on_fat} == {
        path: found[path] for path in found.keys() - on_fat
    }
    assert {path: put[path][-1] for path in on_fat} == {path: found[path][-1] for path in on_fat}


def test_the_image_does_not_depend_on_the_folder(card: Path, rootfs: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        again = Path(folder) / "again.img"
        make_disk(rootfs, again, source_date_epoch=EPOCH)
        assert output_of("cmp", card, again) == ""


def test_an_image_made_in_memory_is_the_same(card: Path, rootfs: Path, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        make_disk(rootfs, tmp_path / "again.img", source_date_epoch=EPOCH, workplace=Path(folder))
        assert list(Path(folder).iterdir()) == []
    assert output_of("cmp", card, tmp_path / "again.img") == ""
    assert (tmp_path / "again.img").stat().st_blocks * 512 < 40 * MIB


def test_other_content_gets_other_ids(card: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.img"
    changed = write_rootfs(tmp_path / "other.tar", more=(Entry("etc/issue", b"hello\n"),))
    make_disk(changed, other, source_date_epoch=EPOCH)
    assert partitions_of(other)[0] != partitions_of(card)[0]


def test_the_partition_table_is_as_the_pi_expects(card: Path) -> None:
    table = json.loads(output_of("sfdisk", "--json", card))["partitiontable"]
    boot, root = table["partitions"]
    assert (table["label"], boot["type"], root["type"]) == ("dos", "c", "83")
    assert (boot["start"], boot["size"]) == (8 * MIB // 512, 512 * MIB // 512)
    assert root["start"] == 520 * MIB // 512
    assert card.stat().st_size % (4 * MIB) == 0
    assert (root["start"] + root["size"]) * 512 == card.stat().st_size
    for partition, label in ((boot, "RASPIFIRM"), (root, "RASPIROOT")):
        offset = str(partition["start"] * 512)
        assert label in output_of("blkid", "--probe", "--offset", offset, card)


def test_both_file_systems_are_clean(card: Path, tmp_path: Path) -> None:
    _, boot, root = partitions_of(card)
    assert output_of("e2fsck", "-fn", f"{card}?offset={root.start_bytes}")
    alone = tmp_path / "fat.img"
    with card.open("rb") as file, alone.open("wb") as copy:
        file.seek(boot.start_bytes)
        copy.write(file.read(boot.size_bytes))
    assert "5 files" in output_of("fsck.vfat", "-n", alone)


def test_the_root_has_free_space_that_is_sparse_in_the_file(
    card: Path,
) -> None:
    _, _, root = partitions_of(card)
    message = output_of("debugfs", "-R", "show_super_stats -h", f"{card}?offset={root.start_bytes}")
    (free,) = re.findall(r"^Free blocks: +(\d+)$", message, re.MULTILINE)
    assert 100 * MIB < int(free) * 4096 < 300 * MIB
    assert card.stat().st_blocks * 512 < 40 * MIB


@pytest.mark.parametrize(
    ("more", "without", "message"),
    [
        (
            (Entry("boot/firmware/link", link="kernel8.img"),),
            "nothing",
            "link must be a regular file or a folder",
        ),
        ((), "boot/firmware/", "/boot/firmware of the root file system is empty"),
    ],
)
def test_an_unbootable_root_file_system_is_refused_without_remains(
    more: tuple[Entry, ...], without: str, message: str, tmp_path: Path
) -> None:
    broken = write_rootfs(tmp_path / "broken.tar", more=more, without=without)
    with pytest.raises(ImageError, match=message):
        make_disk(broken, tmp_path / "card.img", source_date_epoch=EPOCH)
    assert list(tmp_path.iterdir()) == [broken]


def test_a_truncated_tar_is_refused_without_remains(rootfs: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar"
    broken.write_bytes(rootfs.read_bytes()[:100_000])
    with pytest.raises(ImageError, match=r"tar failed: .*Unexpected EOF"):
        make_disk(broken, tmp_path / "card.img", source_date_epoch=EPOCH)
    assert list(tmp_path.iterdir()) == [broken]


def test_a_user_other_than_root_gets_a_hint(rootfs: Path, tmp_path: Path) -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(ImageError, match=r"only root .*\n.*unshare --map-auto"):
            make_disk(rootfs, tmp_path / "card.img", source_date_epoch=EPOCH)
    finally:
        os.seteuid(0)
