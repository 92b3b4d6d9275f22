"""A virtual Pi that boots a flashed card, between a home network and a PVS."""

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
from bridges.rollback.bridge import Bridge, Run
from nightly.image import imager_files

from pvs_lab import enter, guest_agent, lifecycle, network
from pvs_lab.errors import LabError
from pvs_lab.flashed_card import FlashedCard
from pvs_lab.paths import agent_socket, cache_dir, lab_dir
from pvs_lab.process import wait_until

REPORT = "pvs-bridge-report.txt"
# The report's first words if the bridge works.
WORKS = "The bridge works."
# Larger than the image, so that the root file system grows.
CARD_MIB = 4096
# The PVS answers without delay; its clock says noon.
_SIMULATOR = "--simulator=--latency-seconds 0 --clock 2026-06-21T20:00:00Z"
# Limit for anything the Pi does, in seconds of this machine. It grows with the load per processor,
# because the guest's own limits use the guest's clock.
TIMEOUT_SECONDS = round(1500 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
_DEVICE_LIST = f"http://{network.BRIDGE_ADDRESS}/cgi-bin/dl_cgi?Command=DeviceList"


class FlashedPi(Bridge):
    """A lab whose Pi boots a flashed card.

    Attributes:
        card: the card.
        key: the owner's private key; the public key is beside it.
    """

    run_seconds = TIMEOUT_SECONDS

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
        """Switch the power on, so that the Pi boots."""
        if self._is_up:
            self.say("power-on")
        else:
            self.command("up", "--card", str(self.card.file), "--no-wait", _SIMULATOR)
            self._is_up = True

    def power_off(self) -> None:
        """Cut the power: data that is not yet on the card is lost."""
        self.say("power-off")

    def restart(self) -> None:
        """Cut the power, remove the report from the card, and switch the power on."""
        self.power_off()
        if REPORT in self.card.names():
            self.card.remove(REPORT)
        self.power_on()

    def console(self) -> str:
        """Return the console output so far."""
        file = lab_dir(self.name) / "log/bridge.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def wait_for_console(self, text: str, seconds: float = TIMEOUT_SECONDS) -> re.Match[str]:
        """Wait until a regular expression matches the console output.

        Raises:
            AssertionError: it does not match; the message contains the output.
        """
        if not wait_until(lambda: re.search(text, self.console()) is not None, seconds):
            raise AssertionError(f"no {text!r} on the console:\n{self.console()[-4000:]}")
        found = re.search(text, self.console())
        assert found is not None  # noqa: S101 - for the type checker
        return found

    def wait_for_agent(self) -> None:
        """Wait until commands can run in the Pi."""
        guest_agent.wait_for(
            agent_socket(self.name), lab_dir(self.name) / "log/bridge.log", TIMEOUT_SECONDS
        )

    def wait_for_boot(self) -> None:
        """Wait until systemd has finished the boot.

        Raises:
            AssertionError: it takes too long, or a unit has failed.
        """
        self.wait_for_agent()
        status, state = self.run(
            "bridge", "systemctl is-system-running --wait", timeout_seconds=TIMEOUT_SECONDS
        )
        failed = self.run("bridge", "systemctl --failed --no-legend --plain")[1]
        assert status == 0, f"{state}{failed}"  # noqa: S101 - for tests

    def device_list(self) -> dict[str, Any] | None:
        """Return the answer to DeviceList for a client at home; None without an answer."""
        ask = f"curl --fail --silent --max-time 10 {shlex.quote(_DEVICE_LIST)}"
        try:
            status, answer = self.run("client", ask)
        except LabError:
            # On a busy machine curl's own limit does not hold, and the lab ends it.
            return None
        found: dict[str, Any] | None = json.loads(answer) if status == 0 else None
        return found

    def wait_for_device_list(self, seconds: float = TIMEOUT_SECONDS) -> None:
        """Wait until a client at home gets DeviceList.

        Raises:
            AssertionError: it gets no answer; the message contains the Pi's logs.
        """
        if not wait_until(lambda: self.device_list() is not None, seconds):
            raise AssertionError(f"no DeviceList at home:\n{self.evidence()}")

    def uptime_seconds(self) -> float:
        """Return the Pi's uptime by its own clock, which does not depend on other load."""
        return float(self.output("bridge", "cat /proc/uptime").split()[0])

    def wait_guest_seconds(self, seconds: float) -> None:
        """Wait for some seconds of the Pi's clock.

        Raises:
            AssertionError: its clock does not advance.
        """
        self.wait_for_agent()
        until = self.uptime_seconds() + seconds
        passed = wait_until(lambda: self.uptime_seconds() >= until, TIMEOUT_SECONDS)
        assert passed, self.evidence()  # noqa: S101 - for tests

    def wait_for_card(
        self, condition: Callable[[], bool], seconds: float = TIMEOUT_SECONDS
    ) -> bool:
        """Wait until the FAT partition meets a condition.

        Args:
            condition: examines the partition.
            seconds: the limit.

        Returns:
            whether it was met in time.
        """

        def holds() -> bool:
            # The Pi may be writing at this moment.
            with contextlib.suppress(LabError, UnicodeDecodeError):
                return condition()
            return False

        return wait_until(holds, seconds)

    def report(self) -> str:
        """Return the report on the FAT partition with single spaces; empty if there is none."""
        if REPORT not in self.card.names():
            return ""
        # Lines are wrapped, and end with CRLF.
        return " ".join(self.card.read(REPORT).decode().split())

    def wait_for_report(self, *texts: str, seconds: float = TIMEOUT_SECONDS) -> str:
        """Wait until the report on the FAT partition contains texts.

        Args:
            texts: all of them are required.
            seconds: the limit.

        Returns:
            the report.

        Raises:
            AssertionError: it lacks a text; the message contains the Pi's logs.
        """
        report = ""

        def says_it() -> bool:
            nonlocal report
            report = self.report()
            return all(text in report for text in texts)

        if not self.wait_for_card(says_it, seconds):
            raise AssertionError(f"the report lacks {texts}:\n{self.evidence()}")
        return report

    def evidence(self) -> str:
        """Return the journal, the report and the console, for failure messages."""
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
        """Log in from home as the owner, with the key.

        Raises:
            paramiko.SSHException: the Pi refuses the login.
        """
        with self._way_in() as way_in, paramiko.SSHClient() as client:
            # The Pi has just made its host key, so it is unknown here.
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            client.connect(
                network.BRIDGE_ADDRESS,
                username=imager_files.USER,
                key_filename=str(self.key),
                sock=way_in,
                look_for_keys=False,
                allow_agent=False,
                banner_timeout=TIMEOUT_SECONDS,
                auth_timeout=TIMEOUT_SECONDS,
            )
            yield client

    @contextlib.contextmanager
    def _way_in(self) -> Iterator[socket.socket]:
        """Connect to the Pi's SSH port from home. paramiko's ProxyCommand would leak a process."""
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
                # socat ends at the end of its input.
                ours.close()
                process.wait(60)

    def output_by_ssh(self, command: str) -> str:
        """Run a command as the owner over SSH, after the boot, which creates the user at its end.

        Raises:
            AssertionError: it failed.
        """
        self.wait_for_boot()
        with self.ssh() as client:
            _, output, errors = client.exec_command(command, timeout=TIMEOUT_SECONDS)
            printed = str(output.read().decode())
            status = output.channel.recv_exit_status()
            assert status == 0, errors.read().decode()  # noqa: S101 - for tests
        return printed

    def provisioned(self, variables: dict[str, Any]) -> Run:
        """Run site.yml against the Pi, as its owner does."""
        own = {
            "ansible_host": network.BRIDGE_ADDRESS,
            "ansible_ssh_common_args": f"-F {lab_dir(self.name)}/ssh_config",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_timeout": 60,
            "ansible_user": imager_files.USER,
            "lab_name": self.name,
            "uplink_type": "wifi",
        }
        # The host has the Pi's name instead of the lab's.
        inventory = lab_dir(self.name) / "own.json"
        inventory.write_text(json.dumps({"pvs_bridges": {"hosts": {imager_files.HOSTNAME: own}}}))
        return self.provision(
            variables, f"--inventory={inventory}", f"--limit={imager_files.HOSTNAME}"
        )


@contextlib.contextmanager
def flashed(name: str, image: Path, *, size_mib: int = CARD_MIB) -> Iterator[FlashedPi]:
    """Flash a card for a new Pi; both are removed afterwards.

    Args:
        name: the lab's name.
        image: the image to flash.
        size_mib: the card's size.

    Yields:
        the Pi, powered off.
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
