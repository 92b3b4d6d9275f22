"""A flashed card and its FAT partition.

mtools works on the file itself, so nothing needs to be mounted.
"""

from __future__ import annotations

import dataclasses
import os
import re
import struct
import subprocess
from pathlib import Path

from pvs_lab.errors import LabError

_SECTOR_BYTES = 512
# The position in the MBR of the first partition's first sector.
_FIRST_PARTITION = slice(454, 458)
_KERNEL, _INITRD = r"^kernel *= *(\S+)", r"^initramfs +(\S+)"
_MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Boot:
    """What the Pi's firmware boots.

    Attributes:
        kernel: name of the kernel on the FAT partition.
        initrd: name of its initrd.
        arguments: those of the kernel, as ``cmdline.txt`` has them.
    """

    kernel: str
    initrd: str
    arguments: str


@dataclasses.dataclass(frozen=True)
class FlashedCard:
    """One card.

    Attributes:
        file: all of its bytes.
    """

    file: Path

    @classmethod
    def flash(cls, image: Path, file: Path, size_mib: int | None = None) -> FlashedCard:
        """Write an image to a card.

        Args:
            image: an unpacked image; it is only read.
            file: the card, which is made.
            size_mib: size of the card in MiB; the image's size by default.

        Raises:
            LabError: it cannot be written.
        """
        done = subprocess.run(
            ["cp", "--sparse=always", "--reflink=auto", str(image), str(file)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise LabError(f"the card {file} was not made: {done.stderr.strip()}", "make room")
        if size_mib is not None:
            with file.open("r+b") as handle:
                handle.truncate(size_mib * _MIB)
        return cls(file)

    @property
    def _fat(self) -> str:
        """The FAT partition, in the notation of mtools."""
        with self.file.open("rb") as card:
            (first_sector,) = struct.unpack("<I", card.read(_SECTOR_BYTES)[_FIRST_PARTITION])
        return f"{self.file}@@{first_sector * _SECTOR_BYTES}"

    def names(self) -> list[str]:
        """The files and folders of the FAT partition's root.

        Raises:
            LabError: there is no such partition.
        """
        listed = self._mtools("mdir", "-b", "::").decode()
        return sorted(line.removeprefix("::/") for line in listed.splitlines())

    def read(self, name: str) -> bytes:
        """A file of the FAT partition.

        Raises:
            LabError: it is not there.
        """
        return self._mtools("mtype", f"::{name}")

    def write(self, name: str, content: bytes) -> None:
        """Put a file on the FAT partition, in place of one of that name.

        Raises:
            LabError: it does not fit.
        """
        self._mtools("mcopy", "-o", "-", f"::{name}", content=content)

    def remove(self, name: str) -> None:
        """Delete a file of the FAT partition.

        Raises:
            LabError: it is not there.
        """
        self._mtools("mdel", f"::{name}")

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file, as Imager does with the kernel's arguments.

        Raises:
            LabError: it is not there.
        """
        self.write(name, self.read(name).rstrip(b"\n") + content)

    def boot(self) -> Boot:
        """Read in ``config.txt`` what the firmware boots.

        Raises:
            LabError: it names no kernel or no initrd.
        """
        config = self.read("config.txt").decode()
        found = [re.findall(wanted, config, re.MULTILINE) for wanted in (_KERNEL, _INITRD)]
        if not all(found):
            raise LabError(
                f"{self.file}: config.txt does not name both a kernel and an initrd:\n{config}",
                "build the image again; raspi-firmware leaves this out where it finds no initrd",
            )
        # The firmware uses the last of several lines.
        kernel, initrd = (names[-1] for names in found)
        arguments = " ".join(self.read("cmdline.txt").decode().split())
        return Boot(kernel, initrd, arguments)

    def _mtools(self, program: str, *arguments: str, content: bytes = b"") -> bytes:
        done = subprocess.run(
            [program, "-i", self._fat, *arguments],
            input=content,
            capture_output=True,
            check=False,
            # mtools refuses the image's geometry, which differs from that of DOS's disks.
            env={**os.environ, "MTOOLS_SKIP_CHECK": "1"},
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            raise LabError(
                f"{self.file}: {program} {' '.join(arguments)}: {said}",
                "look whether it is the image of a card, and which files its FAT partition has",
            )
        return done.stdout
