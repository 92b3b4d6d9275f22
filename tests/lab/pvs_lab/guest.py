"""The simulated Pi with a radio: a guest of QEMU, because it needs Debian's kernel for the radio.

Its wlan0 reaches the home only through an access point. The access points run in the guest too,
because the kernel delivers what a simulated radio sends only to radios of the same kernel; the Pi
does not see them. :class:`Guest` is what all such Pis have in common; the lab makes the card of a
:class:`RadioGuest`.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pvs_lab import card, network
from pvs_lab.image import Image
from pvs_lab.paths import agent_socket, lab_dir

_ACCESS_POINTS_MAC = "02:70:76:73:00:03"
_MEMORY_MIB = 1024
# A sparse file: unwritten blocks take no space.
_CARD_SIZE = "4G"
_KERNEL_ARGUMENTS = (
    "root=/dev/vda", "rw", "console=ttyS0", "quiet", "systemd.show_status=1", "net.ifnames=0",
    # The login prompt hangs up the console, so output written to it would be lost.
    "systemd.mask=serial-getty@ttyS0.service",
    # The lab's access points have units of their own.
    "systemd.mask=hostapd.service",
    # Each of these saves boot time: QEMU does not have the processors' flaws, its clock needs no
    # check, and the kernel need not wait until it is idle.
    "mitigations=off", "tsc=reliable", "rcupdate.rcu_expedited=1",
)  # fmt: skip

# From linux/if_tun.h.
_TUNSETIFF = 0x400454CA
_IFF_TAP_WITHOUT_HEADER = 0x1002


@dataclasses.dataclass
class Guest(abc.ABC):
    """One Pi with a radio, off until :meth:`power_on`.

    Attributes:
        lab: name of the lab.
        console: file that the Pi's console is written to.
    """

    lab: str
    console: Path
    process: subprocess.Popen[bytes] | None = dataclasses.field(default=None, init=False)

    @abc.abstractmethod
    def _machine(self) -> list[str]:
        """Return QEMU's program, the machine's options and what it boots from."""

    def power_on(self) -> None:
        """Boot the Pi."""
        with _tap("port") as pvs, _tap("to-bridge") as home:
            network.ip("link", "set", "port", "netns", "pvs")
            network.ip("link", "set", "port", "master", "lan1", "up", namespace="pvs")
            network.ip("link", "set", "to-bridge", "master", "home0", "up")
            self.process = subprocess.Popen(
                self._command(pvs, home), stdin=subprocess.DEVNULL, pass_fds=(pvs, home)
            )

    def _command(self, pvs: int, home: int) -> list[str]:
        """Return the command: the machine, two Ethernet ports, a console and the guest agent."""
        return [
            *self._machine(), "-name", f"pvs-lab-{self.lab}",
            "-nodefaults", "-no-user-config", "-display", "none",
            "-netdev", f"tap,id=pvs,fd={pvs}",
            "-device", f"virtio-net-pci,netdev=pvs,mac={network.BRIDGE_PVS_MAC},romfile=",
            "-netdev", f"tap,id=home,fd={home}",
            "-device", f"virtio-net-pci,netdev=home,mac={_ACCESS_POINTS_MAC},romfile=",
            "-device", "virtio-rng-pci",
            "-chardev", f"file,id=console,path={self.console},append=on",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=agent,path={agent_socket(self.lab)},server=on,wait=off",
            "-device", "virtio-serial-pci",
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            "-qmp", f"unix:{self._monitor},server=on,wait=off",
        ]  # fmt: skip

    @property
    def _monitor(self) -> Path:
        """QEMU's socket for commands about the machine."""
        return lab_dir(self.lab) / "monitor"

    def cut_power(self) -> None:
        """Stop the Pi as a power cut does: unwritten data is lost."""
        if self.process is not None:
            self.process.kill()
            self.ended()

    def ended(self) -> bool:
        """Collect a Pi that has stopped.

        Returns:
            whether the lab must boot it again: never, because QEMU reboots it.
        """
        if self.process is not None:
            self.process.wait()
            self.process = None
        return False

    def leader(self) -> int | None:
        """Return the PID of QEMU in the lab, or None while the Pi is off."""
        return self.process.pid if self.process else None

    def set_cable(self, side: str, *, plugged: bool) -> None:
        """Unplug or plug in a cable.

        Args:
            side: ``pvs`` for eth0's, ``home`` for that of the access points.
            plugged: whether the cable is in afterwards.
        """
        if self.process is None:
            return
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._monitor))
            with connection.makefile("rw") as stream:
                stream.readline()  # QEMU's greeting
                for name, arguments in (
                    ("qmp_capabilities", {}),
                    ("set_link", {"name": side, "up": plugged}),
                ):
                    print(json.dumps({"execute": name, "arguments": arguments}), file=stream)
                    stream.flush()
                    _expect_return(stream.readline())


@dataclasses.dataclass
class RadioGuest(Guest):
    """A Pi whose card the lab makes.

    Attributes:
        root: where its file system is mounted while the card is made.
    """

    root: Path
    _card: Path = dataclasses.field(default=Path(), init=False)
    _boot: Path = dataclasses.field(default=Path(), init=False)

    def insert_card(self, image: Image, folder: Path, authorized_key: str) -> None:
        """Make a card with the controller's key.

        Args:
            image: what is on it.
            folder: where it is kept, removed with the lab.
            authorized_key: line for the user pi's ``authorized_keys``.
        """
        self._boot = image.root / "boot"
        self._card = folder / "card.img"
        card.mount(image, folder, self.root, authorized_key)
        subprocess.run(
            ["mke2fs", "-q", "-t", "ext4", "-d", str(self.root), str(self._card), _CARD_SIZE],
            stdout=subprocess.DEVNULL,  # even quiet, it names the file that it creates
            check=True,
        )
        subprocess.run(["umount", str(self.root)], check=True)
        for layer in ("upper", "work"):
            shutil.rmtree(folder / layer)

    def _machine(self) -> list[str]:
        return [
            "qemu-system-x86_64",
            # Not KVM, which some machines lack or have with flaws. The guest's clock counts
            # executed instructions, so a busy machine delays no answer of a radio.
            "-accel", "tcg,thread=single", "-icount", "shift=2,sleep=on",
            "-cpu", "Nehalem", "-smp", "1", "-m", str(_MEMORY_MIB),
            "-kernel", str(_only(self._boot, "vmlinuz-*")),
            "-initrd", str(_only(self._boot, "initrd.img-*")),
            "-append", " ".join(_KERNEL_ARGUMENTS),
            # A watchdog as the Pi's: it restarts the machine if it is not reset in time.
            "-device", "i6300esb",
            # unsafe: a power cut kills QEMU only, and what QEMU has written stays in the file.
            "-drive", f"file={self._card},format=raw,if=virtio,cache=unsafe",
        ]  # fmt: skip


def _expect_return(line: str) -> None:
    """Raise RuntimeError unless QEMU has carried out a command."""
    if "return" not in json.loads(line):
        raise RuntimeError(f"QEMU: {line.strip()}")


def _only(folder: Path, pattern: str) -> Path:
    """The one file that fits."""
    (found,) = folder.glob(pattern)
    return found


@contextlib.contextmanager
def _tap(name: str) -> Iterator[int]:
    """Create a tap interface; it exists as long as a process has its file open."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    try:
        request = struct.pack("16sH22x", name.encode(), _IFF_TAP_WITHOUT_HEADER)
        fcntl.ioctl(descriptor, _TUNSETIFF, request)
        yield descriptor
    finally:
        os.close(descriptor)
