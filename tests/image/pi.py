"""A Pi that boots a flashed card, in a home and in front of a PVS."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paramiko
from image import imager
from rollback.bridge import Bridge, Run

from pvs_lab import enter, guest_agent, lifecycle, network
from pvs_lab.errors import LabError
from pvs_lab.flashed_card import FlashedCard
from pvs_lab.paths import agent_socket, cache_dir, lab_dir
from pvs_lab.process import wait_until

REPORT = "pvs-bridge-report.txt"
# The report's first words when all is well.
WORKS = "The bridge works."
# Room for the root file system to grow into.
CARD_MIB = 4096
# The PVS's answers come at once, at noon.
_SIMULATOR = "--simulator=--latency-seconds 0 --clock 2026-06-21T20:00:00Z"
# Seconds of this machine for what takes the Pi minutes: the more programs share each processor, the
# more of them. The Pi has limits of its own, by a clock of its own.
PATIENCE_SECONDS = round(1500 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
_DEVICE_LIST = f"http://{network.BRIDGE_ADDRESS}/cgi-bin/dl_cgi?Command=DeviceList"


class FlashedPi(Bridge):
    """A lab whose Pi boots a flashed card.

    Attributes:
        card: what it boots.
        key: the private key of its owner, whose public half is beside it.
    """

    run_seconds = PATIENCE_SECONDS

    def __init__(self, name: str, card: FlashedCard, key: Path) -> None:
        """Name the lab."""
        super().__init__(name)
        self.card = card
        self.key = key
        self._is_up = False

    @property
    def public_key(self) -> str:
        """The line for an ``authorized_keys``."""
        return self.key.with_suffix(".pub").read_text().strip()

    def power_on(self) -> None:
        """Push the plug in, and let the Pi boot."""
        if self._is_up:
            self.say("power-on")
        else:
            self.command("up", "--card", str(self.card.file), "--no-wait", _SIMULATOR)
            self._is_up = True

    def power_off(self) -> None:
        """Pull the plug: what the Pi has not yet written is lost."""
        self.say("power-off")

    def restart(self) -> None:
        """Pull the plug, take the report off the card, and push the plug in."""
        self.power_off()
        if REPORT in self.card.names():
            self.card.remove(REPORT)
        self.power_on()

    def console(self) -> str:
        """All that the Pi has written to its console so far."""
        file = lab_dir(self.name) / "log/bridge.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def waits_for_console(self, text: str, seconds: float = PATIENCE_SECONDS) -> re.Match[str]:
        """Wait until the console shows what a regular expression finds.

        Raises:
            AssertionError: it does not; what it shows is in the message.
        """
        if not wait_until(lambda: re.search(text, self.console()) is not None, seconds):
            raise AssertionError(f"no {text!r} on the console:\n{self.console()[-4000:]}")
        found = re.search(text, self.console())
        assert found is not None  # noqa: S101 - for the type checker
        return found

    def waits_for_agent(self) -> None:
        """Wait until the Pi can be looked at from inside."""
        guest_agent.wait_for(
            agent_socket(self.name), lab_dir(self.name) / "log/bridge.log", PATIENCE_SECONDS
        )

    def wait_for_boot(self) -> None:
        """Wait until the Pi has started everything that it starts at boot.

        Raises:
            AssertionError: it takes too long, or something has failed.
        """
        self.waits_for_agent()
        status, state = self.run(
            "bridge", "systemctl is-system-running --wait", timeout_seconds=PATIENCE_SECONDS
        )
        failed = self.run("bridge", "systemctl --failed --no-legend --plain")[1]
        assert status == 0, f"{state}{failed}"  # noqa: S101 - for tests

    def device_list(self) -> dict[str, Any] | None:
        """What somebody at home gets who asks the Pi for DeviceList; None where that is nothing."""
        ask = f"curl --fail --silent --max-time 10 {shlex.quote(_DEVICE_LIST)}"
        try:
            status, answer = self.run("client", ask)
        except LabError:
            # This machine is busy enough to stop curl, and its limit with it.
            return None
        found: dict[str, Any] | None = json.loads(answer) if status == 0 else None
        return found

    def wait_for_device_list(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until somebody at home gets DeviceList.

        Raises:
            AssertionError: nobody does; what the Pi has written is in the message.
        """
        if not wait_until(lambda: self.device_list() is not None, seconds):
            raise AssertionError(f"no DeviceList at home:\n{self.evidence()}")

    def uptime_seconds(self) -> float:
        """How long the Pi has been on, by its own clock, whatever else this machine does."""
        return float(self.output("bridge", "cat /proc/uptime").split()[0])

    def goes_on_for(self, seconds: float) -> None:
        """Let some of the Pi's own seconds pass.

        Raises:
            AssertionError: its clock stands still.
        """
        self.waits_for_agent()
        until = self.uptime_seconds() + seconds
        passed = wait_until(lambda: self.uptime_seconds() >= until, PATIENCE_SECONDS)
        assert passed, self.evidence()  # noqa: S101 - for tests

    def has_on_card(self, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until the FAT partition, read beside the Pi, is as it should be.

        Args:
            condition: looks at the partition.
            seconds: how long at most.

        Returns:
            whether it became so in time.
        """

        def holds() -> bool:
            # The Pi may be writing there this moment.
            with contextlib.suppress(LabError, UnicodeDecodeError):
                return condition()
            return False

        return wait_until(holds, seconds)

    def report(self) -> str:
        """The words of the report on the FAT partition, as any computer reads it; maybe none."""
        if REPORT not in self.card.names():
            return ""
        # Its lines end as Windows has them, and where there is no more room.
        return " ".join(self.card.read(REPORT).decode().split())

    def reports(self, *texts: str, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait until the report on the FAT partition says something.

        Args:
            texts: all of what it has to say.
            seconds: how long at most.

        Returns:
            the report.

        Raises:
            AssertionError: it does not; what the Pi has written is in the message.
        """
        report = ""

        def says_it() -> bool:
            nonlocal report
            report = self.report()
            return all(text in report for text in texts)

        if not self.has_on_card(says_it, seconds):
            raise AssertionError(f"the report does not say {texts}:\n{self.evidence()}")
        return report

    def evidence(self) -> str:
        """What there is to know when something has gone wrong."""
        try:
            found = self.report() or "there is none"
        except LabError as error:
            found = str(error)
        journal = "the Pi is off"
        with contextlib.suppress(LabError):
            journal = self.run("bridge", "journalctl --boot --no-pager --lines 150; ip address")[1]
        return f"{journal}\n--- {REPORT}\n{found}\n--- console\n{self.console()[-3000:]}"

    @contextlib.contextmanager
    def ssh(self) -> Iterator[paramiko.SSHClient]:
        """Log in from home, as the Pi's owner with the key.

        Raises:
            paramiko.SSHException: the Pi does not let the owner in.
        """
        with self._way_in() as way_in, paramiko.SSHClient() as client:
            # The Pi has made its key a moment ago: nobody can know it.
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            client.connect(
                network.BRIDGE_ADDRESS,
                username=imager.USER,
                key_filename=str(self.key),
                sock=way_in,
                look_for_keys=False,
                allow_agent=False,
                banner_timeout=PATIENCE_SECONDS,
                auth_timeout=PATIENCE_SECONDS,
            )
            yield client

    @contextlib.contextmanager
    def _way_in(self) -> Iterator[socket.socket]:
        """Connect to the Pi's SSH from home; paramiko's ProxyCommand leaves its program behind."""
        ours, theirs = socket.socketpair()
        to_pi = ["socat", "STDIO", f"TCP:{network.BRIDGE_ADDRESS}:22,connect-timeout=30"]
        with ours, theirs:
            to_program = theirs.fileno()
            process = subprocess.Popen(
                enter.command_on(self.name, "client", to_pi), stdin=to_program, stdout=to_program
            )
            theirs.close()
            try:
                yield ours
            finally:
                # The program ends where its input does.
                ours.close()
                process.wait(60)

    def says_by_ssh(self, command: str) -> str:
        """What a command prints that the Pi's owner runs, who is made as the last of its boot.

        Raises:
            AssertionError: it failed.
        """
        self.wait_for_boot()
        with self.ssh() as client:
            _, output, errors = client.exec_command(command, timeout=PATIENCE_SECONDS)
            printed = str(output.read().decode())
            status = output.channel.recv_exit_status()
            assert status == 0, errors.read().decode()  # noqa: S101 - for tests
        return printed

    def provisioned(self, variables: dict[str, Any]) -> Run:
        """Run the playbook against the Pi, as its owner does who has begun an inventory."""
        own = {
            "ansible_host": network.BRIDGE_ADDRESS,
            "ansible_ssh_common_args": f"-F {lab_dir(self.name)}/ssh_config",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_timeout": 60,
            "ansible_user": imager.USER,
            "lab_name": self.name,
            "uplink_type": "wifi",
        }
        # Under the Pi's own name, and not its lab's.
        inventory = lab_dir(self.name) / "own.json"
        inventory.write_text(json.dumps({"pvs_bridges": {"hosts": {imager.HOSTNAME: own}}}))
        return self.provision(variables, f"--inventory={inventory}", f"--limit={imager.HOSTNAME}")


@contextlib.contextmanager
def flashed(name: str, image: Path, *, size_mib: int = CARD_MIB) -> Iterator[FlashedPi]:
    """Flash a card of its own and put it into a Pi; both are gone afterwards.

    Args:
        name: of the lab.
        image: what is on the card.
        size_mib: how large the card is.

    Yields:
        the Pi, off.
    """
    folder = cache_dir() / "cards"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder) as temporary:
        card = FlashedCard.flash(image, Path(temporary) / "card.img", size_mib)
        key = Path(temporary) / "key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "owner", "-f", str(key)],
            check=True,
        )
        pi = FlashedPi(name, card, key)
        try:
            yield pi
        finally:
            lifecycle.down(name)
