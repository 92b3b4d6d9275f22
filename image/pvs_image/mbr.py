"""MBR partition tables, which the Pi's boot loader reads from the first sector."""

from __future__ import annotations

import dataclasses
import struct

from pvs_image.partition_layout import SECTOR_BYTES

FAT32 = 0x0C
LINUX = 0x83

_DISK_ID_AT = 440
_TABLE_AT = 446
_SIGNATURE = b"\x55\xaa"
# Status, CHS of the first sector, type, CHS of the last sector, first sector, sectors.
_ENTRY = struct.Struct("<B3sB3sII")
# CHS addresses end at 8 GB; this value means that only the sector numbers are valid.
_NO_CHS = b"\xfe\xff\xff"


@dataclasses.dataclass(frozen=True)
class Partition:
    """One entry of the table.

    Attributes:
        kind: FAT32, LINUX, or another number.
        start_bytes: its offset.
        size_bytes: its length.
    """

    kind: int
    start_bytes: int
    size_bytes: int


def write_table(disk_id: int, partitions: tuple[Partition, ...]) -> bytes:
    """Return the first sector of a disk.

    Args:
        disk_id: 32 bits.
        partitions: at most four, each a whole number of sectors.
    """
    sector = bytearray(SECTOR_BYTES)
    struct.pack_into("<I", sector, _DISK_ID_AT, disk_id)
    for index, each in enumerate(partitions):
        where = (each.start_bytes // SECTOR_BYTES, each.size_bytes // SECTOR_BYTES)
        entry = _ENTRY.pack(0, _NO_CHS, each.kind, _NO_CHS, *where)
        at = _TABLE_AT + index * _ENTRY.size
        sector[at : at + _ENTRY.size] = entry
    sector[-2:] = _SIGNATURE
    return bytes(sector)


def read_table(sector: bytes) -> tuple[int, tuple[Partition, ...]]:
    """Parse the first sector of a disk: its id and its partitions.

    Args:
        sector: the first sector.

    Raises:
        ValueError: it has no partition table.
    """
    if len(sector) < SECTOR_BYTES or sector[SECTOR_BYTES - 2 : SECTOR_BYTES] != _SIGNATURE:
        raise ValueError("no partition table")
    (disk_id,) = struct.unpack_from("<I", sector, _DISK_ID_AT)
    found = []
    for index in range(4):
        _, _, kind, _, start, count = _ENTRY.unpack_from(sector, _TABLE_AT + index * _ENTRY.size)
        if kind:
            found.append(Partition(kind, start * SECTOR_BYTES, count * SECTOR_BYTES))
    return disk_id, tuple(found)
