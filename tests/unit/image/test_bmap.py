"""The block map: bmaptool accepts it, and the blocks that it leaves out are unused."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.image.cards import members, output_of

from pvs_image.block_map import mapped_ranges, partitions_of
from pvs_image.bmap import write_bmap
from pvs_image.raspios import read_rootfs

pytestmark = pytest.mark.needs_system


def test_bmaptool_writes_a_correct_card_over_old_data(card: Path, tmp_path: Path) -> None:
    bmap, used = tmp_path / "card.bmap", tmp_path / "used.img"
    write_bmap(card, bmap)
    with used.open("wb") as file:
        for _ in range(card.stat().st_size // 2**20):
            file.write(b"\xff" * 2**20)
    output_of("bmaptool", "copy", "--bmap", bmap, card, used)
    _, _, root = partitions_of(used)
    assert output_of("e2fsck", "-fn", f"{used}?offset={root.start_bytes}")
    read_rootfs(card, tmp_path / "wanted.tar")
    read_rootfs(used, tmp_path / "found.tar")
    assert members(tmp_path / "found.tar") == members(tmp_path / "wanted.tar")


def test_the_map_leaves_out_most_of_a_small_card(card: Path) -> None:
    mapped_bytes = sum(end - begin for begin, end in mapped_ranges(card))
    assert mapped_bytes < 40 * 2**20 < card.stat().st_size


def test_the_map_does_not_depend_on_how_the_file_was_copied(card: Path, tmp_path: Path) -> None:
    dense = tmp_path / "dense.img"
    output_of("cp", "--sparse=never", card, dense)
    write_bmap(card, tmp_path / "sparse.bmap")
    write_bmap(dense, tmp_path / "dense.bmap")
    assert (tmp_path / "dense.bmap").read_text() == (tmp_path / "sparse.bmap").read_text()
