"""Published files are written again only if something has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.image.cards import EPOCH

from pvs_image.build import BuildOptions, publish_if_changed
from pvs_image.stages import Stages

pytestmark = pytest.mark.needs_system


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the cache and the output."""
    return tmp_path_factory.mktemp("place")


def publish(place: Path, card: Path, rootfs: Path, base_url: str = "") -> tuple[Path, float]:
    """Publish a card.

    Returns:
        the image, and the seconds that it took.
    """
    stages = Stages(place / "kept", report=lambda _: None)
    stages.folder.mkdir(exist_ok=True)
    wanted = BuildOptions(base="debian", epoch=EPOCH, folder=place / "build", base_url=base_url)
    files, seconds = publish_if_changed(wanted, stages, card, rootfs, [])
    return next(each for each in files if each.name.endswith(".img.xz")), seconds


def test_unchanged_files_are_not_published_again(place: Path, card: Path, rootfs: Path) -> None:
    image, first = publish(place, card, rootfs)
    made_ns = image.stat().st_mtime_ns
    again, second = publish(place, card, rootfs)
    assert first > 0
    assert (again, second, again.stat().st_mtime_ns) == (image, 0, made_ns)


def test_another_base_url_makes_another_manifest(place: Path, card: Path, rootfs: Path) -> None:
    _, seconds = publish(place, card, rootfs, base_url="https://example.org/cards")
    assert seconds > 0
    assert "https://example.org/cards/" in (place / "build/os_list.json").read_text()


def test_an_edited_file_is_published_again(place: Path, card: Path, rootfs: Path) -> None:
    publish(place, card, rootfs)
    (place / "build/os_list.json").write_text("{}")
    _, seconds = publish(place, card, rootfs)
    assert seconds > 0
    assert "os_list" in (place / "build/os_list.json").read_text()


def test_remains_of_a_killed_build_are_removed(place: Path, card: Path, rootfs: Path) -> None:
    left = place / "build/.publishing-killed"
    left.mkdir(parents=True)
    (left / "half.img.xz").write_text("half")
    publish(place, card, rootfs, base_url="https://example.org/other")
    assert not left.exists()
