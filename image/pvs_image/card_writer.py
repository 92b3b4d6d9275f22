"""Write an image to a card: only used blocks, the partition table last, then verify."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from pvs_image.block_map import BLOCK_BYTES, mapped_ranges, pieces
from pvs_image.errors import ImageError
from pvs_image.partition_layout import ALIGNMENT_BYTES

Progress = Callable[[str, int, int], None]


def write_card(image: Path, target: Path, progress: Progress) -> None:
    """Write an image to a device, then read it back and compare.

    An interrupted write leaves no partition table, so the card cannot be mistaken for a good one.

    Args:
        image: the unpacked image.
        target: a device, or a file of at least the image's length.
        progress: called with the name of the step, and bytes done and in total.

    Raises:
        ImageError: the device is in use, fails, or reads back differently.
    """
    ranges = mapped_ranges(image)
    # The first block, which has the partition table, goes last.
    later = [(BLOCK_BYTES, ranges[0][1])] if ranges[0][1] > BLOCK_BYTES else []
    ordered = [*later, *ranges[1:], (0, BLOCK_BYTES)]
    total_bytes = sum(end - begin for begin, end in ordered)
    try:
        # O_EXCL fails with EBUSY while a block device is mounted or in use.
        device = os.open(target, os.O_RDWR | os.O_EXCL)
    except OSError as error:
        in_use = error.errno == errno.EBUSY
        raise ImageError(
            f"DEVICE={target} {'is in use' if in_use else f'cannot be opened: {error.strerror}'}",
            "unmount it, and close programs that use it" if in_use else "run it as root",
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
            # Drop the page cache, so that the comparison reads the card.
            os.posix_fadvise(device, 0, 0, os.POSIX_FADV_DONTNEED)
            done_bytes = 0
            for begin, end in pieces(ranges, ALIGNMENT_BYTES):
                expected = os.pread(file.fileno(), end - begin, begin)
                if os.pread(device, end - begin, begin) != expected:
                    raise ImageError(
                        f"DEVICE={target} reads back differently from byte {begin} on",
                        "the card or its reader is broken: use another one",
                    )
                done_bytes += end - begin
                progress("verifying", done_bytes, total_bytes)
    except OSError as error:
        raise ImageError(
            f"DEVICE={target} failed: {error.strerror}",
            "the card or its reader is broken: use another one",
        ) from error
    finally:
        os.close(device)


def _write_all(device: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(device, view, at)
        view, at = view[written:], at + written
