"""The simulated Pi: a root file system booted by systemd-nspawn."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import uuid
from pathlib import Path

from pvs_lab import network
from pvs_lab.image import Image

# systemd-nspawn's exit status when the container asked for a reboot (its --keep-unit).
REBOOT_STATUS = 133


@dataclasses.dataclass
class Container:
    """One Pi with its card, off until :meth:`power_on`.

    Attributes:
        lab: name of the lab, part of the machine's name.
        root: where its file system is mounted: the image below, the card's changes above.
        console: file that the Pi's console is written to.
    """

    lab: str
    root: Path
    console: Path
    process: subprocess.Popen[bytes] | None = None

    def insert_card(self, image: Image, card: Path, authorized_key: str) -> None:
        """Mount an empty layer over the image and let the controller's key in.

        Args:
            image: the image to start from.
            card: folder for what the Pi writes, removed with the lab.
            authorized_key: line for the user pi's ``authorized_keys``.
        """
        upper, work = card / "upper", card / "work"
        for folder in (upper, work, self.root):
            folder.mkdir(parents=True)
        # volatile: nobody waits for the disk of this machine, which is not what is tested.
        layers = f"lowerdir={image.root},upperdir={upper},workdir={work},volatile"
        subprocess.run(["mount", "-t", "overlay", "card", "-o", layers, str(self.root)], check=True)
        keys = self.root / "home/pi/.ssh/authorized_keys"
        keys.write_text(authorized_key)
        os.chown(keys, 1000, 1000)
        keys.chmod(0o600)
        (self.root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")

    def power_on(self) -> None:
        """Boot the Pi, with new interfaces."""
        network.add_bridge()
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
        """Stop the Pi as a pulled plug does, the card as it was at that moment."""
        if self.process is not None:
            self.process.kill()
            self.ended()

    def ended(self) -> int:
        """Collect a Pi that has stopped and take its interfaces away.

        Returns:
            systemd-nspawn's exit status, :data:`REBOOT_STATUS` after ``reboot``.
        """
        if self.process is None:
            return 0
        status = self.process.wait()
        self.process = None
        network.remove_bridge()
        return status

    def leader(self) -> int | None:
        """Process id of the Pi's first process as the lab sees it, None while it is off."""
        if self.process is None:
            return None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = children.read_text().split()
        return int(found[0]) if found else None
