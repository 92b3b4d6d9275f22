"""Write a .bmap file, version 2.0: bmaptool and Raspberry Pi Imager copy only what it lists."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from pvs_image.block_map import BLOCK_BYTES, mapped_ranges

_READ_BYTES = 4 * 1024 * 1024
_NO_CHECKSUM = "0" * 64
_HEAD = """<?xml version="1.0" ?>
<bmap version="2.0">
    <ImageSize> {size} </ImageSize>
    <BlockSize> {block} </BlockSize>
    <BlocksCount> {blocks} </BlocksCount>
    <MappedBlocksCount> {mapped} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> {checksum} </BmapFileChecksum>
    <BlockMap>
"""
_FOOT = """    </BlockMap>
</bmap>
"""


def write_bmap(image: Path, target: Path) -> None:
    """Write the .bmap file of an image.

    Args:
        image: the unpacked image.
        target: the .bmap file.

    Raises:
        ImageError: it is not a card image, or one of its file systems cannot be read.
    """
    ranges = mapped_ranges(image)
    rows = []
    with image.open("rb") as file:
        for begin, end in ranges:
            first, last = begin // BLOCK_BYTES, end // BLOCK_BYTES - 1
            where = str(first) if first == last else f"{first}-{last}"
            rows.append(f'        <Range chksum="{_sha256(file, begin, end)}"> {where} </Range>\n')
    size_bytes = image.stat().st_size
    text = _HEAD + "".join(rows) + _FOOT
    fields = {
        "size": size_bytes,
        "block": BLOCK_BYTES,
        "blocks": -(-size_bytes // BLOCK_BYTES),
        "mapped": sum(end - begin for begin, end in ranges) // BLOCK_BYTES,
    }
    # The file's checksum is computed with zeros in place of the checksum.
    zeroed = text.format(**fields, checksum=_NO_CHECKSUM)
    checksum = hashlib.sha256(zeroed.encode()).hexdigest()
    target.write_text(text.format(**fields, checksum=checksum), encoding="ascii")


def _sha256(file: BinaryIO, begin: int, end: int) -> str:
    digest = hashlib.sha256()
    file.seek(begin)
    while begin < end:
        piece = file.read(min(_READ_BYTES, end - begin))
        digest.update(piece)
        begin += len(piece)
    return digest.hexdigest()
