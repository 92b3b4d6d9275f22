"""Block devices: everything except a card in a reader is refused."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.image.cards import output_of

from pvs_image.block_device import Device, confirm, inspect, writable_device
from pvs_image.errors import ImageError

NUMBER = "8:16"
NEEDED_BYTES = 10**9


@dataclasses.dataclass(frozen=True)
class Machine:
    """/sys and /proc of a machine with a card reader and a card with two partitions."""

    sysfs: Path
    procfs: Path
    disk: Path

    def inspect(self, number: str = NUMBER) -> Device:
        """Look at the card."""
        return inspect(Path("/dev/sdb"), number, NEEDED_BYTES, sysfs=self.sysfs, procfs=self.procfs)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Fake /sys and /proc folders."""
    sysfs, procfs = tmp_path / "sys", tmp_path / "proc"
    bus = sysfs / "devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.0/host6/target6:0:0/6:0:0:0"
    disk = bus / "block/sdb"
    (disk / "device").mkdir(parents=True)
    files = {"removable": "1", "ro": "0", "size": "31116288", "dev": NUMBER}
    files |= {"device/vendor": "Generic ", "device/model": "MassStorageClass"}
    for name, text in files.items():
        (disk / name).write_text(f"{text}\n")
    (sysfs / "dev/block").mkdir(parents=True)
    (sysfs / "dev/block" / NUMBER).symlink_to(disk)
    for index in (1, 2):
        part = disk / f"sdb{index}"
        (part / "holders").mkdir(parents=True)
        (part / "partition").write_text(f"{index}\n")
        (part / "dev").write_text(f"8:{16 + index}\n")
        (sysfs / "dev/block" / f"8:{16 + index}").symlink_to(part)
    (procfs / "self").mkdir(parents=True)
    (procfs / "self/mountinfo").write_text("22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n")
    (procfs / "swaps").write_text("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")
    return Machine(sysfs, procfs, disk)


def test_a_card_in_a_reader_is_named_by_model_and_size(machine: Machine) -> None:
    assert machine.inspect().name == "Generic MassStorageClass 15.9 GB"


def test_typing_model_and_size_confirms_the_device(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    device = machine.inspect()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{device.name}\n"))
    confirm(device)
    assert (
        f"{device.path}: {device.name}. Everything on it will be lost." in capsys.readouterr().out
    )


@pytest.mark.parametrize("typed", ["", "\n", "yes\n", "/dev/sdb\n"])
def test_typing_anything_else_leaves_the_device_unchanged(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(ImageError, match="was not confirmed and is unchanged"):
        confirm(machine.inspect())


def test_a_card_reported_as_fixed_is_recognised_by_its_usb_bus(machine: Machine) -> None:
    (machine.disk / "removable").write_text("0\n")
    assert machine.inspect().size_bytes == 31116288 * 512


def test_a_card_in_an_sd_slot_is_recognised_by_its_type(machine: Machine) -> None:
    disk = machine.sysfs / "devices/platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0"
    disk.parent.mkdir(parents=True)
    machine.disk.rename(disk)
    (machine.sysfs / "dev/block" / NUMBER).unlink()
    (machine.sysfs / "dev/block" / NUMBER).symlink_to(disk)
    (disk / "removable").write_text("0\n")
    for name in ("vendor", "model"):
        (disk / "device" / name).unlink()
    (disk / "device/name").write_text("SC16G\n")
    (disk / "device/type").write_text("SD\n")
    assert machine.inspect().name == "SC16G 15.9 GB"
    (disk / "device/type").write_text("MMC\n")
    with pytest.raises(ImageError, match="is not removable"):
        machine.inspect()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("disk/ro", "1\n", "is write-protected"),
        ("disk/size", "1000\n", r"\(Generic MassStorageClass 0.0 GB\) is too small: 1.0 GB needed"),
        ("disk/size", "0\n", "too small: .*\n  hint: insert a card into the reader"),
        (
            "proc/self/mountinfo",
            "30 22 8:18 / /media/me/rootfs rw - ext4 /dev/sdb2 rw\n",
            "is mounted at /media/me/rootfs\n  hint: umount /media/me/rootfs",
        ),
        ("proc/swaps", "Filename\n/dev/sdb2 partition 1 0 -2\n", "swap, .* uses /dev/sdb2"),
        ("disk/sdb1/holders/dm-0", "", "LVM or encryption uses /dev/sdb1"),
    ],
)
def test_an_unsuitable_device_is_refused(
    file: str, text: str, message: str, machine: Machine
) -> None:
    where, _, name = file.partition("/")
    (machine.disk / name if where == "disk" else machine.procfs / name).write_text(text)
    with pytest.raises(ImageError, match=message):
        machine.inspect()


def test_a_partition_is_refused_and_the_hint_names_the_whole_device(machine: Machine) -> None:
    with pytest.raises(ImageError, match=r"a partition of /dev/sdb\n.*DEVICE=/dev/sdb"):
        machine.inspect("8:18")


def test_an_internal_disk_is_refused(machine: Machine) -> None:
    (machine.disk / "removable").write_text("0\n")
    inside = machine.sysfs / "devices/pci0000:00/0000:00:17.0/ata1/host0/block/sdb"
    inside.parent.mkdir(parents=True)
    machine.disk.rename(inside)
    (machine.sysfs / "dev/block" / NUMBER).unlink()
    (machine.sysfs / "dev/block" / NUMBER).symlink_to(inside)
    with pytest.raises(ImageError, match="is not removable, so it is a disk of this machine"):
        machine.inspect()


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Path]:
    """A loop device: a real block device of this machine."""
    file = tmp_path / "disk"
    with file.open("wb") as stream:
        stream.truncate(2 * NEEDED_BYTES)
    device = output_of("losetup", "--find", "--show", file).strip()
    yield Path(device)
    output_of("losetup", "--detach", device)


@pytest.mark.needs_system
def test_a_real_device_of_this_machine_is_refused(loop: Path) -> None:
    with pytest.raises(ImageError, match=f"DEVICE={loop} is not removable"):
        writable_device(loop, NEEDED_BYTES)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/dev/no-such-card", "No such file or directory"),
        ("/dev/null", "is not a block device"),
        ("/etc/passwd", "is not a block device"),
    ],
)
def test_a_path_that_is_not_a_block_device_is_refused(path: str, message: str) -> None:
    with pytest.raises(ImageError, match=f"DEVICE={path}:? {message}"):
        writable_device(Path(path), NEEDED_BYTES)
