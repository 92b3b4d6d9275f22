"""Record each write of the card's kernel to a FAT partition, to cut the power after any of them.

A small disk with a FAT file system is attached to QEMU beside the card. The kernel and the programs
of the card run a script there instead of systemd, and QEMU's driver blklogwrites logs the writes in
their order. After a power cut the disk has the first writes of the log; how many depends on the
moment.
"""

from __future__ import annotations

import dataclasses
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from nightly.image.flashed_pi import TIMEOUT_SECONDS

from pvs_image.fat import make_fat
from pvs_lab.flashed_card import FlashedCard

SIZE_BYTES = 272 * 1024 * 1024
"""The size of the file system. FAT32 with clusters of 4 KiB, as on the card, needs 256 MiB."""

_SECTOR_BYTES = 512
# The script marks the log by a write here, behind the file system.
_MARK_BYTES = 4096
# The format of Linux' dm-log-writes: the header of the log, and that of an entry.
_HEADER, _ENTRY = struct.Struct("<QQQI"), struct.Struct("<QQQQ")
_DISCARD = 4
# Runs instead of systemd.
_COMMAND = (
    "mount -t vfat -o noatime,umask=0077 /dev/vdb /mnt && "
    "python3 -B /mnt/script.py; echo o > /proc/sysrq-trigger; sleep 60"
)
_PRELUDE = f"""\
import mmap, os, sys
sys.path.insert(0, "/mnt/agent")
_device = os.open("/dev/vdb", os.O_WRONLY | os.O_DIRECT | os.O_SYNC)
_buffer = mmap.mmap(-1, {_MARK_BYTES})
def mark(number):
    _buffer[:8] = number.to_bytes(8, "little")
    os.pwrite(_device, _buffer, {SIZE_BYTES})
"""


@dataclasses.dataclass(frozen=True)
class Cut:
    """The disk after a power cut.

    Attributes:
        disk: a file; the next cut overwrites it.
        mark: the number of the last mark that was written.
    """

    disk: Path
    mark: int


def record(card: Path, files: Path, script: str, folder: Path) -> Iterator[Cut]:
    """Run a Python script on the kernel of a card, and cut the power after each write.

    Args:
        card: the image of a card, which stays unchanged.
        files: the files of the FAT file system, which is mounted at /mnt.
        script: it can call ``mark(NUMBER)``.
        folder: for temporary files.

    Yields:
        the disk after each write and each mark.
    """
    disk, before, log = folder / "disk", folder / "before", folder / "log"
    (files / "script.py").write_text(_PRELUDE + script)
    log.touch()
    with disk.open("wb") as file:
        file.truncate(SIZE_BYTES + _MARK_BYTES)
    make_fat(
        disk, files, start_bytes=0, size_bytes=SIZE_BYTES, label="FAT", serial=1,
        source_date_epoch=1_700_000_000,
    )  # fmt: skip
    _copy(disk, before)
    print(_run(card, disk, log, folder))
    yield from _cuts(before, log.read_bytes(), folder / "cut")


def _run(card: Path, disk: Path, log: Path, folder: Path) -> str:
    """Run the script, and return the console's output."""
    boot = FlashedCard(card).boot()
    for name, file in (("kernel", boot.kernel), ("initrd", boot.initrd)):
        (folder / name).write_bytes(FlashedCard(card).read(file))
    done = subprocess.run(
        ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53", "-accel", "tcg",
         "-m", "512", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
         "-kernel", str(folder / "kernel"), "-initrd", str(folder / "initrd"),
         "-append", "quiet root=LABEL=RASPIROOT ro console=ttyAMA0 panic=-1 "
                    f'init=/bin/sh -- -c "{_COMMAND}"',
         "-drive", f"file={card},format=raw,if=none,id=card,snapshot=on",
         "-device", "virtio-blk-pci,drive=card",
         "-blockdev", f"driver=file,filename={disk},node-name=disk",
         "-blockdev", f"driver=file,filename={log},node-name=log",
         "-blockdev", "driver=blklogwrites,file=disk,log=log,node-name=logged",
         "-device", "virtio-blk-pci,drive=logged"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=TIMEOUT_SECONDS,
    )  # fmt: skip
    return done.stdout + done.stderr


def _cuts(disk: Path, log: bytes, copy: Path) -> Iterator[Cut]:
    """Repeat the writes of a log, and yield a copy of the disk after each write and mark."""
    _, _, entries, sector_bytes = _HEADER.unpack_from(log)
    at, mark = sector_bytes, 0
    for _ in range(entries):
        sector, sectors, flags, _ = _ENTRY.unpack_from(log, at)
        at += sector_bytes
        if flags & _DISCARD or not sectors:
            continue
        data = log[at : at + sectors * sector_bytes]
        at += len(data)
        if sector * _SECTOR_BYTES >= SIZE_BYTES:
            mark = int.from_bytes(data[:8], "little")
        else:
            with disk.open("r+b") as file:
                file.seek(sector * _SECTOR_BYTES)
                file.write(data)
        _copy(disk, copy)
        yield Cut(copy, mark)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--sparse=always", str(source), str(target)], check=True)
