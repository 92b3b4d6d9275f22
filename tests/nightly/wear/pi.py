"""A Pi of QEMU, with a disk for its card and Debian's kernel, that is used for a long time."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from pathlib import Path

from nightly.radio.bridge import RadioBridge

from pvs_lab import guest_agent, lifecycle
from pvs_lab.paths import PACKAGE_ROOT, agent_socket, card_dir, lab_dir
from pvs_lab.playbook import PROGRAM, telling_part

# What the roles install.
_PACKAGES = "haproxy nftables python3-aiohttp systemd-timesyncd unattended-upgrades"
# All of udev's rules, of which there is a file; and the name by which the home knows the Pi.
_VARIABLES = {"appliance_leds": False, "uplink_hostname": "bridge", "health_required": False}
# These mounts belong to this program alone; they end with it, however it ends.
_WITH_CARD = """root=$2
mount -o loop "$1" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --bind /dev "$root/dev"
shift 2
"$@"
umount --recursive "$root"
"""
# The PVS's answers come at once, at noon.
_SIMULATOR = "--simulator=--latency-seconds 0 --clock 2026-06-21T20:00:00Z"
# Seconds of this machine, which may be busy.
PATIENCE_SECONDS = 900


class WornPi(RadioBridge):
    """A lab whose Pi is a bridge, on Debian 13 with NetworkManager."""

    def up(self) -> None:
        """Bring the lab up, and make its card a bridge before the Pi has ever started from it.

        As an image is made: on a Pi that is translated it would take minutes.

        Raises:
            AssertionError: it failed; why is in the message.
        """
        self.command(
            "up", "--radio", "--release=trixie", f"--packages={_PACKAGES}", "--no-wait", _SIMULATOR
        )
        self.say("power-off")
        with tempfile.TemporaryDirectory() as root:
            variables = {
                **_VARIABLES, "ansible_connection": "pvs_bridge.core.chroot",
                "ansible_chroot_root": root, "ansible_become": False,
            }  # fmt: skip
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-ec", _WITH_CARD, "sh", str(self.card), root,
                 PROGRAM, "--inventory=inventory/lab", f"--limit={self.name}",
                 f"--extra-vars={json.dumps(variables)}", "ansible/site.yml"],
                cwd=PACKAGE_ROOT.parents[1], env=self._environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
        assert done.returncode == 0, telling_part(done.stdout)  # noqa: S101 - for tests
        self.say("power-on")

    @property
    def card(self) -> Path:
        """The file that is the Pi's card."""
        return card_dir(self.name) / "card.img"

    @property
    def console(self) -> str:
        """All that the Pi has written to its console so far."""
        return (lab_dir(self.name) / "log/bridge.log").read_text(errors="replace")

    def work(self, command: str) -> str:
        """What a shell command on the Pi prints that has to succeed, and may take its time.

        Raises:
            AssertionError: it failed; what it printed is in the message.
        """
        status, printed = self.run("bridge", command, timeout_seconds=PATIENCE_SECONDS)
        assert status == 0, f"{command}: status {status}\n{printed}"  # noqa: S101 - for tests
        return printed

    def write(self, path: str, text: str) -> None:
        """Write a file of the Pi, its folder included."""
        encoded = base64.b64encode(text.encode()).decode()
        self.work(f"mkdir -p $(dirname {path}) && echo {encoded} | base64 --decode > {path}")

    def waits_for_agent(self) -> None:
        """Wait until the Pi can be looked at from inside."""
        guest_agent.wait_for(agent_socket(self.name), lab_dir(self.name) / "log/bridge.log")

    def is_well(self) -> None:
        """Wait until the Pi has started everything, and its own check gets a DeviceList.

        Raises:
            AssertionError: something has failed or is broken; what, is in the message.
        """
        self.waits_for_agent()
        status, state = self.run(
            "bridge", "systemctl is-system-running --wait", timeout_seconds=PATIENCE_SECONDS
        )
        failed = self.run("bridge", "systemctl --failed --no-legend --plain")[1]
        assert status == 0, f"{state}{failed}"  # noqa: S101 - for tests
        self.work("pvs-bridge health --quiet --wait 300")

    def shut_down(self) -> None:
        """Have the Pi stop by itself, as a person does who is about to pull the plug.

        Raises:
            AssertionError: it does not.
        """
        self.run("bridge", "systemctl poweroff --no-block")
        off = self.until(self._is_off, PATIENCE_SECONDS)
        assert off, self.console[-2000:]  # noqa: S101 - for tests

    def _is_off(self) -> bool:
        return lifecycle.command(self.name, "status")["bridge_leader"] is None

    def check_card(self) -> tuple[int, str]:
        """Look for damage on the card of a Pi that is off, and mend nothing.

        Returns:
            e2fsck's exit status, 0 for a file system without any, and what it says.
        """
        done = subprocess.run(
            ["e2fsck", "-f", "-n", str(self.card)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr
