"""The twin's lab. Only the lab's own commands run as root."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bridgectl.errors import CannotWorkError
from bridgectl.rehearse import config_files
from bridgectl.rehearse.system import System
from bridgectl.rehearse.twin import Twin
from pvs_lab import playbook
from pvs_lab.paths import PACKAGE_ROOT, lab_dir

_PROJECT = PACKAGE_ROOT.parents[1]
_MOST_LETTERS = 15


def lab_name(inventory: Path, bridge: str) -> str:
    """Return the name of a bridge's lab, which is unique for each inventory and bridge."""
    letters = re.sub(r"[^a-z0-9]+", "-", bridge.lower()).strip("-")[:_MOST_LETTERS]
    digest = hashlib.sha256(f"{inventory.resolve()}\0{bridge}".encode()).hexdigest()[:4]
    return f"rehearse-{letters}-{digest}"


@dataclasses.dataclass(frozen=True)
class TwinLab:
    """A lab for one twin.

    Attributes:
        lab: its name.
        as_root: command prefix that runs a command as root; empty if this process is root.
        folder: for the inventory.
    """

    lab: str
    as_root: tuple[str, ...]
    folder: Path

    def up(self, twin: Twin, system: System, report: Callable[[str], None]) -> None:
        """Start the lab; replace one of an earlier rehearsal.

        Raises:
            CannotWorkError: it does not start.
        """
        self.down()
        # Faster than a real PVS, and with production at night, because times are not tested.
        simulator = [
            "--latency-seconds=0.5", "--daylight",
            f"--model={system.model}", f"--firmware={system.firmware}",
        ]  # fmt: skip
        process = subprocess.Popen(
            self._lab_command(
                "up", f"--release={system.release}", f"--backend={system.backend}",
                f"--simulator={shlex.join(simulator)}", f"--topology={twin.topology.to_json()}",
                *(["--packages=libnss-mdns"] if twin.topology.pvs_name else []),
            ),
            env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None  # noqa: S101 - for the type checker: PIPE was asked for
        for line in process.stdout:
            # Steps are indented; the last line reports success.
            if line.startswith(" "):
                report(line.strip())
        said = process.communicate()[1]
        if process.returncode:
            raise CannotWorkError(
                f"the twin did not start:\n{said.strip()}", "see the lab's message"
            )
        inventory = self.folder / "inventory.yml"
        inventory.write_text(twin.inventory(self.lab), encoding="utf-8")

    def down(self) -> None:
        """Remove the lab, if it is there.

        Raises:
            CannotWorkError: it cannot be removed.
        """
        self._lab("down")

    def play(self, name: str, log: Path, *arguments: str) -> str:
        """Run a playbook of the project on the twin, and print one line per role.

        Args:
            name: of the playbook, without .yml.
            log: file for its output.
            arguments: of ansible-playbook.

        Returns:
            its output.

        Raises:
            CannotWorkError: it has failed; the message contains the failed task.
        """
        environment = {
            **playbook.ENVIRONMENT,
            "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"),
            # Files of root are removed with the lab.
            "ANSIBLE_HOME": f"{lab_dir(self.lab)}/ansible",
        }
        status = playbook.play(
            [
                *self.as_root, "env", *(f"{key}={value}" for key, value in environment.items()),
                str(playbook.PROGRAM), f"--inventory={self.folder / 'inventory.yml'}",
                f"ansible/{name}.yml", *arguments,
            ],
            _PROJECT, os.environ, log,
        )  # fmt: skip
        said = log.read_text(encoding="utf-8")
        if status:
            raise CannotWorkError(
                f"ansible/{name}.yml failed on the twin:\n{playbook.telling_part(said)}",
                f"see above; the whole log is {log}",
            )
        return said

    def files(self) -> dict[str, config_files.File]:
        """Return the twin's configuration files."""
        return config_files.read_archive(self._on_bridge(config_files.SHOW_FILES))

    def conffiles(self) -> dict[str, str]:
        """Return the MD5 sums of the original configuration files of Debian's packages."""
        return config_files.read_conffiles(self._on_bridge(config_files.SHOW_CONFFILES).decode())

    def _on_bridge(self, command: str) -> bytes:
        return self._lab("run", "bridge", command)

    def _lab(self, command: str, *arguments: str) -> bytes:
        """Run a command of the lab and return its output.

        Raises:
            CannotWorkError: it has failed.
        """
        done = subprocess.run(
            self._lab_command(command, *arguments),
            env=self._environment(), capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CannotWorkError(
                f"the lab's command {command} has failed:\n{done.stderr.decode().strip()}",
                f"see the lab's message, or remove the lab: {self.remove}",
            )
        return done.stdout

    @property
    def remove(self) -> str:
        """The command that removes the lab."""
        return f"make lab-down LAB={self.lab}"

    def _lab_command(self, command: str, *arguments: str) -> list[str]:
        """Return a command line of the lab, with its options before the arguments."""
        return [*self.as_root, sys.executable, "-m", "pvs_lab", command, f"--lab={self.lab}",
                *arguments]  # fmt: skip

    @staticmethod
    def _environment() -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
