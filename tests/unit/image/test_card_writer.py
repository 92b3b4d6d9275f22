"""Writing a card: used blocks arrive, and faulty cards are reported."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unit.image.cards import output_of

from pvs_image.block_map import mapped_ranges
from pvs_image.card_writer import write_card
from pvs_image.errors import ImageError

pytestmark = pytest.mark.needs_system


@pytest.fixture
def target(card: Path, tmp_path: Path) -> Path:
    """A file that stands for a larger card."""
    file = tmp_path / "target"
    with file.open("wb") as stream:
        stream.write(b"\xee" * 4096)
        stream.truncate(card.stat().st_size + 2**20)
    return file


@pytest.fixture
def loop(target: Path) -> Iterator[Path]:
    """The same card as a block device."""
    device = output_of("losetup", "--find", "--show", target).strip()
    yield Path(device)
    output_of("losetup", "--detach", device)


def silent(what: str, done_bytes: int, total_bytes: int) -> None:
    """Ignore the progress."""


def at(step: str, act: Callable[[], None]) -> Callable[[str, int, int], None]:
    """Return a progress callback that acts once, when a step starts."""
    todo = [act]

    def progress(what: str, done_bytes: int, total_bytes: int) -> None:
        assert done_bytes <= total_bytes
        if what == step and todo:
            todo.pop()()

    return progress


def test_a_block_device_contains_the_image_afterwards(card: Path, loop: Path) -> None:
    steps = []
    write_card(card, loop, lambda what, done, total: steps.append((what, done == total)))
    with card.open("rb") as wanted, loop.open("rb") as found:
        for begin, end in mapped_ranges(card):
            assert os.pread(found.fileno(), end - begin, begin) == os.pread(
                wanted.fileno(), end - begin, begin
            )
    assert [what for what, ended in steps if ended] == ["writing", "verifying"]


def test_a_device_in_use_is_refused(card: Path, loop: Path) -> None:
    other = os.open(loop, os.O_RDONLY | os.O_EXCL)
    try:
        with pytest.raises(ImageError, match=f"DEVICE={loop} is in use"):
            write_card(card, loop, silent)
    finally:
        os.close(other)


def test_an_interrupted_write_leaves_no_partition_table(card: Path, target: Path) -> None:
    def pull_the_plug() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_card(card, target, at("writing", pull_the_plug))
    with target.open("rb") as file:
        assert file.read(4096) == bytes(4096)


def test_a_card_that_reads_back_differently_is_reported(card: Path, target: Path) -> None:
    begin, _ = mapped_ranges(card)[-1]

    def forget() -> None:
        with target.open("r+b") as file:
            file.seek(begin)
            file.write(b"\xee" * 512)

    with pytest.raises(ImageError, match=f"reads back differently from byte {begin} on"):
        write_card(card, target, at("verifying", forget))


def test_a_card_with_less_space_than_it_claims_is_reported(card: Path) -> None:
    with pytest.raises(ImageError, match="DEVICE=/dev/full failed: No space left on device"):
        write_card(card, Path("/dev/full"), silent)
