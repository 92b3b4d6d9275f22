"""A card as it was flashed: what mtools reads and writes there, and what systemd is handed."""

from __future__ import annotations

import base64
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pvs_lab import guest_tools
from pvs_lab.errors import LabError
from pvs_lab.flashed_card import Boot, FlashedCard

pytestmark = pytest.mark.needs_system

Command = Callable[..., "subprocess.CompletedProcess[str]"]

_FIRST_SECTOR = 2048
_CONFIG = b"arm_64bit=1\n\nkernel=vmlinuz-1\ninitramfs initrd.img-1\n\n[pi4]\nkernel = vmlinuz-2\n"


@pytest.fixture
def card(tmp_path: Path) -> FlashedCard:
    """A card with a FAT partition alone."""
    file = tmp_path / "card.img"
    entry = struct.pack("<8xII", _FIRST_SECTOR, 128 * 1024)
    file.write_bytes(bytes(446) + entry + bytes(48) + b"\x55\xaa")
    os.truncate(file, 65 * 1024 * 1024)
    subprocess.run(
        ["mkfs.vfat", "-F", "32", "--offset", str(_FIRST_SECTOR), str(file), str(64 * 1024)],
        check=True,
        capture_output=True,
    )
    return FlashedCard(file)


def test_a_file_that_was_written_is_listed_and_read(card: FlashedCard) -> None:
    content = bytes(range(256))
    card.write("User-Data with a long name.txt", b"old")
    card.write("User-Data with a long name.txt", content)
    assert card.names() == ["User-Data with a long name.txt"]
    assert card.read("User-Data with a long name.txt") == content


def test_a_file_that_was_removed_is_gone(card: FlashedCard) -> None:
    card.write("ssh", b"")
    card.remove("ssh")
    assert card.names() == []


def test_the_kernel_s_arguments_stay_one_line(card: FlashedCard) -> None:
    card.write("cmdline.txt", b"root=LABEL=RASPIROOT rw\n")
    card.append("cmdline.txt", b" ds=nocloud\n")
    assert card.read("cmdline.txt") == b"root=LABEL=RASPIROOT rw ds=nocloud\n"


def test_the_firmware_boots_what_its_configuration_names_last(card: FlashedCard) -> None:
    card.write("config.txt", _CONFIG)
    card.write("cmdline.txt", b"root=LABEL=RASPIROOT  rw\n")
    assert card.boot() == Boot("vmlinuz-2", "initrd.img-1", "root=LABEL=RASPIROOT rw")


def test_a_configuration_without_an_initrd_is_an_error(card: FlashedCard) -> None:
    card.write("config.txt", b"kernel=vmlinuz-1\n")
    with pytest.raises(LabError, match=r"config\.txt does not name both"):
        card.boot()


def test_a_file_that_is_not_there_is_an_error_with_its_name(card: FlashedCard) -> None:
    with pytest.raises(LabError, match=r"card\.img: mtype ::cmdline\.txt: .*not found"):
        card.read("cmdline.txt")


def test_a_flashed_card_is_a_copy_of_the_size_that_was_wanted(
    card: FlashedCard, tmp_path: Path
) -> None:
    card.write("ssh", b"")
    copy = FlashedCard.flash(card.file, tmp_path / "copy.img", size_mib=128)
    copy.remove("ssh")
    assert copy.file.stat().st_size == 128 * 1024 * 1024
    assert card.names() == ["ssh"]


def test_systemd_is_handed_the_lab_s_unit_on_the_kernel_s_command_line() -> None:
    credential, wants = guest_tools.kernel_arguments()
    name, _, text = credential.removeprefix("systemd.set_credential_binary=").partition(":")
    assert name == "systemd.extra-unit.pvs-bridge-lab.service"
    assert base64.b64decode(text).startswith(b"[Unit]\n")
    assert wants == "systemd.wants=pvs-bridge-lab.service"
    # arm64's kernel takes 2048 bytes, and the card has some to say too.
    assert len(f"{credential} {wants}") < 1024


def test_a_card_that_is_not_there_is_named(pvs_lab: Command) -> None:
    done = pvs_lab("up", "--card", "/nowhere/card.img")
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no card '/nowhere/card.img'\n  hint: ")
