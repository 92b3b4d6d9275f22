"""An image onto a card: only what means something, the partition table last, and read back."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.layout import ALIGNMENT_BYTES
from pvs_image.mapped import BLOCK_BYTES, mapped_ranges, pieces

Progress = Callable[[str, int, int], None]


def write_card(image: Path, target: Path, progress: Progress) -> None:
    """Write an image onto a device, and compare what the device then holds.

    A card whose writing was interrupted has no partition table, and nobody takes it for a good one.

    Args:
        image: the card.
        target: a device, or a file of at least the image's length.
        progress: called with what is done, and bytes done and to do.

    Raises:
        ImageError: the device is in use, fails, or does not hold what was written.
    """
    ranges = mapped_ranges(image)
    # The first block, with the partition table, goes last.
    later = [(BLOCK_BYTES, ranges[0][1])] if ranges[0][1] > BLOCK_BYTES else []
    ordered = [*later, *ranges[1:], (0, BLOCK_BYTES)]
    total_bytes = sum(end - begin for begin, end in ordered)
    try:
        # Of a block device O_EXCL is refused while anything else has it.
        device = os.open(target, os.O_RDWR | os.O_EXCL)
    except OSError as error:
        in_use = error.errno == errno.EBUSY
        raise ImageError(
            f"DEVICE={target} {'is in use' if in_use else f'cannot be opened: {error.strerror}'}",
            "unmount it, and close what looks into it" if in_use else "run it as root",
        ) from None
    try:
        with image.open("rb") as file:
            os.pwrite(device, bytes(BLOCK_BYTES), 0)
            os.fsync(device)
            done_bytes = 0
            for begin, end in pieces(ordered, ALIGNMENT_BYTES):
                if begin == 0:
                    os.fsync(device)
                _write_all(device, os.pread(file.fileno(), end - begin, begin), begin)
                done_bytes += end - begin
                progress("writing", done_bytes, total_bytes)
            os.fsync(device)
            # What is compared is read from the card, not from memory.
            os.posix_fadvise(device, 0, 0, os.POSIX_FADV_DONTNEED)
            done_bytes = 0
            for begin, end in pieces(ranges, ALIGNMENT_BYTES):
                wanted = os.pread(file.fileno(), end - begin, begin)
                if os.pread(device, end - begin, begin) != wanted:
                    raise ImageError(
                        f"DEVICE={target} does not hold what was written, from byte {begin} on",
                        "the card or its reader is broken: take another one",
                    )
                done_bytes += end - begin
                progress("reading back", done_bytes, total_bytes)
    except OSError as error:
        raise ImageError(
            f"DEVICE={target} fails: {error.strerror}",
            "the card or its reader is broken: take another one",
        ) from error
    finally:
        os.close(device)


def _write_all(device: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(device, view, at)
        view, at = view[written:], at + written
