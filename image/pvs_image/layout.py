"""How a card is divided: two partitions, and the names by which its files find them.

A card of ours has names that come from what is on it; one that is made from Raspberry Pi OS keeps
those that it had, because its cmdline.txt and fstab call the partitions by them.
"""

from __future__ import annotations

import dataclasses
import uuid

SECTOR_BYTES = 512
MIB = 1024 * 1024
# What a card's own controller erases at once, or a multiple of it: 4 MiB on cards of today.
ALIGNMENT_BYTES = 4 * MIB


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the partitions of a card are, and how they are called.

    Attributes:
        disk_id: of the partition table; PARTUUID=DISKID-01 and -02 come from it.
        boot_start_bytes: where the FAT partition begins.
        boot_bytes: how long it is. The root file system follows, at the next whole 4 MiB.
        boot_label: of the FAT file system.
        boot_serial: of the FAT file system; UUID=XXXX-XXXX comes from it.
        root_label: of the ext4 file system.
        root_uuid: of the ext4 file system.
    """

    disk_id: int
    boot_serial: int
    root_uuid: uuid.UUID
    boot_label: str = "RASPIFIRM"
    root_label: str = "RASPIROOT"
    boot_start_bytes: int = 8 * MIB
    boot_bytes: int = 512 * MIB

    @property
    def root_start_bytes(self) -> int:
        """Where the ext4 partition begins."""
        return aligned(self.boot_start_bytes + self.boot_bytes)


def layout_of(digest: str) -> Layout:
    """Return the layout of a card of ours.

    Args:
        digest: of what is on it, as hexadecimal digits: the same content has the same names.
    """
    names = uuid.uuid5(uuid.NAMESPACE_OID, f"pvs-bridge card {digest}")
    # The highest bit keeps an id from being taken for none.
    disk_id, serial = (int.from_bytes(names.bytes[at : at + 4]) | 0x80000000 for at in (0, 8))
    return Layout(disk_id, serial, uuid.uuid5(names, "root"))


def aligned(size_bytes: int) -> int:
    """Round up to a whole number of 4 MiB."""
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
