"""The layout of a card: two partitions with their offsets, labels and ids.

The ids of our own card are derived from its content. A card made from Raspberry Pi OS keeps the
original ids, because its cmdline.txt and fstab refer to the partitions by them.
"""

from __future__ import annotations

import dataclasses
import uuid

SECTOR_BYTES = 512
MIB = 1024 * 1024
# A multiple of the erase block of current SD cards (4 MiB).
ALIGNMENT_BYTES = 4 * MIB


@dataclasses.dataclass(frozen=True)
class Layout:
    """The partitions of a card.

    Attributes:
        disk_id: the disk id in the MBR; PARTUUID=DISKID-01 and -02 come from it.
        boot_serial: the serial number of the FAT file system; UUID=XXXX-XXXX comes from it.
        root_uuid: the UUID of the ext4 file system.
        boot_label: the label of the FAT file system.
        root_label: the label of the ext4 file system.
        boot_start_bytes: the offset of the FAT partition.
        boot_bytes: the length of the FAT partition; the root partition follows at the next multiple
            of 4 MiB.
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
        """The offset of the ext4 partition."""
        return aligned(self.boot_start_bytes + self.boot_bytes)


def layout_of(digest: str) -> Layout:
    """Return the layout of our own card.

    Args:
        digest: a digest of the card's content; the same content gets the same ids.
    """
    names = uuid.uuid5(uuid.NAMESPACE_OID, f"pvs-bridge card {digest}")
    # Set the highest bit, because an id of 0 means that there is none.
    disk_id, serial = (int.from_bytes(names.bytes[at : at + 4]) | 0x80000000 for at in (0, 8))
    return Layout(disk_id, serial, uuid.uuid5(names, "root"))


def aligned(size_bytes: int) -> int:
    """Round up to a multiple of 4 MiB."""
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
