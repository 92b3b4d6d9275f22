"""A new card takes over the keys and the history of a backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_bridge.backup import archive
from pvs_bridge.backup.archive import Backup
from pvs_bridge.backup.contents import CERTIFICATE, VARIABLES, File
from pvs_bridge.boot_config import restored
from pvs_bridge.errors import IssueError

SECRET = b"the private key " * 1000


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """A boot partition with the archive."""
    files = {VARIABLES: File(b"", 0o600), CERTIFICATE: File(SECRET, 0o600)}
    (tmp_path / "boot").mkdir()
    with (tmp_path / "boot" / restored.FILE).open("wb") as out:
        archive.write(Backup("garage", "", "", files), out)
    return tmp_path / "boot"


def test_the_files_are_taken_over_and_the_archive_is_destroyed(boot: Path, tmp_path: Path) -> None:
    # A second name of the file's data shows what is left of it.
    data = tmp_path / "data"
    data.hardlink_to(boot / restored.FILE)
    restored.take_over(boot, tmp_path / "root")
    assert (tmp_path / "root" / CERTIFICATE).read_bytes() == SECRET
    # The variables come from pvs-bridge.yml.
    assert not (tmp_path / "root" / VARIABLES).exists()
    assert not list(boot.iterdir())
    assert data.read_bytes() == bytes(data.stat().st_size)
    restored.take_over(boot, tmp_path / "root")


def test_a_damaged_archive_changes_nothing(boot: Path, tmp_path: Path) -> None:
    file = boot / restored.FILE
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(IssueError, match=f"{restored.FILE}: .*write the card again"):
        restored.take_over(boot, tmp_path / "root")
    assert file.exists()
    assert not (tmp_path / "root").exists()
