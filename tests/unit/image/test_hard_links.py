"""Hard links are found by inode number in the file system, not by the fuse2fs mount."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from pvs_image import hard_links
from pvs_image.block_map import partitions_of
from pvs_image.errors import ImageError

pytestmark = pytest.mark.needs_system


def _found(*paths: str) -> str:
    """Return the output of ``find`` for several names."""
    return "".join(f"755 1 2 1699913600.5000000000 {path}\n" for path in paths)


def test_further_names_become_hard_links_to_the_first(card: Path) -> None:
    _, _, root = partitions_of(card)
    again = 'usr/bin/yet "another" näme'
    found = _found("usr/bin/two", again, "usr/bin/sudo", "usr/bin/one")
    members = hard_links.further_names(card, root.start_bytes, found)
    assert [(each.name, each.linkname) for each in members] == [
        ("./usr/bin/two", "./usr/bin/one"),
        (f"./{again}", "./usr/bin/one"),
    ]
    for each in members:
        assert each.type == tarfile.LNKTYPE
        assert (each.mode, each.uid, each.gid, each.mtime) == (0o755, 1, 2, 1699913600)


def test_a_name_missing_from_the_file_system_is_reported(card: Path) -> None:
    _, _, root = partitions_of(card)
    with pytest.raises(ImageError, match="debugfs found 1 of 2 files"):
        hard_links.further_names(card, root.start_bytes, _found("usr/bin/one", "usr/bin/none"))
