"""Read an initrd: concatenated cpio archives, the last one compressed with zstd."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from pvs_image.errors import ImageError

_CPIO = b"070701"
_ZSTD = b"\x28\xb5\x2f\xfd"
_HEADER_BYTES = 110
# Indices into the header's 13 numbers: the length of the file and of its name.
_SIZE, _NAME_SIZE = 6, 11
_END = "TRAILER!!!"
_HINT = "see update-initramfs in the build log"


def read_files(initrd: Path) -> dict[str, bytes]:
    """Read the files and symbolic links of an initrd.

    Args:
        initrd: the file.

    Returns:
        each file's content, or a link's target, by path without a leading slash.

    Raises:
        ImageError: the file is not an initrd, or it is damaged.
    """
    packed = initrd.read_bytes()
    files: dict[str, bytes] = {}
    at = 0
    while at < len(packed):
        if packed[at : at + len(_ZSTD)] == _ZSTD:
            packed, at = _decompress(initrd, packed[at:]), 0
        elif packed[at : at + len(_CPIO)] != _CPIO:
            raise ImageError(f"{initrd} is not an initrd of initramfs-tools", _HINT)
        for name, content, end in _entries(packed, at):
            at = end
            if content:
                files[name] = content
        # Skip the padding: archives start at block boundaries.
        while at < len(packed) and packed[at] == 0:
            at += 1
    return files


def _entries(archive: bytes, at: int) -> Iterator[tuple[str, bytes, int]]:
    """Yield each entry's path and content, and the offset of the next entry."""
    name = ""
    while name != _END:
        digits = archive[at + len(_CPIO) : at + _HEADER_BYTES]
        numbers = [int(digits[each : each + 8], 16) for each in range(0, len(digits), 8)]
        begin = at + _HEADER_BYTES
        name = archive[begin : begin + numbers[_NAME_SIZE] - 1].decode()
        begin = _aligned(begin + numbers[_NAME_SIZE])
        at = _aligned(begin + numbers[_SIZE])
        yield name, archive[begin : begin + numbers[_SIZE]], at


def _aligned(position: int) -> int:
    return -(-position // 4) * 4


def _decompress(initrd: Path, packed: bytes) -> bytes:
    done = subprocess.run(
        ["zstd", "--decompress", "--stdout"], input=packed, capture_output=True, check=False
    )
    if done.returncode:
        raise ImageError(f"{initrd} is damaged: {done.stderr.decode().strip()}", _HINT)
    return done.stdout
