"""The simulated Pi: systemd-nspawn boots a root file system."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from pathlib import Path

from pvs_lab import card, network
from pvs_lab.image import Image
from pvs_lab.topology import Topology

# systemd-nspawn's exit status when the container asked for a reboot (its --keep-unit).
_REBOOT_STATUS = 133


@dataclasses.dataclass
class Container:
    """One Pi with its card, off until :meth:`power_on`.

    Attributes:
        lab: name of the lab, part of the machine's name.
        root: where its file system is mounted: the image below, the card's changes above.
        console: file that the Pi's console is written to.
        topology: how its interfaces are called.
    """

    lab: str
    root: Path
    console: Path
    topology: Topology
    process: subprocess.Popen[bytes] | None = None

    def insert_card(self, image: Image, folder: Path, authorized_key: str) -> None:
        """Make a card with the controller's key.

        Args:
            image: the image to start from.
            folder: for what the Pi writes, removed with the lab.
            authorized_key: line for the user pi's ``authorized_keys``.
        """
        card.mount(image, folder, self.root, authorized_key)
        # The lab's interfaces are veth, which NetworkManager does not manage by default.
        manager = self.root / "etc/NetworkManager/conf.d"
        manager.mkdir(parents=True, exist_ok=True)
        names = (self.topology.pvs_interface, self.topology.home_interface)
        matches = ";".join(f"interface-name:{name}" for name in names)
        (manager / "lab-interfaces.conf").write_text(
            f"[device-lab]\nmatch-device={matches}\nmanaged=1\n"
        )

    def power_on(self) -> None:
        """Boot the Pi with new interfaces."""
        network.add_bridge(self.topology)
        with self.console.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    "systemd-nspawn",
                    "--quiet",
                    "--boot",
                    f"--directory={self.root}",
                    f"--machine=pvs-lab-{self.lab}",
                    "--network-namespace-path=/run/netns/bridge",
                    "--capability=CAP_NET_ADMIN,CAP_NET_RAW",
                    "--register=no",
                    "--keep-unit",
                    "--resolv-conf=off",
                    "--timezone=off",
                    "--link-journal=no",
                    "--console=pipe",
                ],
                # A Pi may set its own sysctls; systemd-nspawn's default forbids it.
                env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def cut_power(self) -> None:
        """Stop the Pi as a power cut does."""
        if self.process is not None:
            # Its first process would outlive systemd-nspawn; killing it ends all of its processes.
            os.kill(self.leader() or self.process.pid, signal.SIGKILL)
            self.ended()

    def ended(self) -> bool:
        """Collect a Pi that has stopped and remove its interfaces.

        Returns:
            whether it has asked for a reboot.
        """
        if self.process is None:
            return False
        status = self.process.wait()
        self.process = None
        network.remove_bridge()
        return status == _REBOOT_STATUS

    def leader(self) -> int | None:
        """Return the PID of the Pi's first process in the lab, or None while the Pi is off."""
        if self.process is None:
            return None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        # Others are systemd-nspawn's own, while it makes the container.
        return next((int(each) for each in children.read_text().split() if _is_first(each)), None)

    def set_cable(self, side: str, *, plugged: bool) -> None:
        """Unplug or plug in a cable.

        Args:
            side: ``pvs`` or ``home``.
            plugged: whether the cable is in afterwards.
        """
        network.set_cable(side, plugged=plugged)


def _is_first(pid: str) -> bool:
    """Whether a process is the first one of a PID namespace of its own."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    (numbers,) = (line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    return len(numbers) > 1 and numbers[-1] == "1"
