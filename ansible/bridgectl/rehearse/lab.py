"""The twin's lab. What needs root goes through the lab's own commands; nothing else does."""

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

from bridgectl.rehearse import config_files
from bridgectl.rehearse.system import System
from bridgectl.rehearse.twin import Twin
from pvs_lab import playbook
from pvs_lab.errors import LabError
from pvs_lab.paths import PACKAGE_ROOT, lab_dir

_PROJECT = PACKAGE_ROOT.parents[1]
_MOST_LETTERS = 15


def lab_name(inventory: Path, bridge: str) -> str:
    """Name a bridge's lab: always the same, and another one for a bridge of another inventory."""
    letters = re.sub(r"[^a-z0-9]+", "-", bridge.lower()).strip("-")[:_MOST_LETTERS]
    digest = hashlib.sha256(f"{inventory.resolve()}\0{bridge}".encode()).hexdigest()[:4]
    return f"rehearse-{letters}-{digest}"


@dataclasses.dataclass(frozen=True)
class Stage:
    """A lab for one twin.

    Attributes:
        lab: its name.
        as_root: what runs a command as root; empty where that is so anyway.
        folder: for what Ansible has to read.
    """

    lab: str
    as_root: tuple[str, ...]
    folder: Path

    def up(self, twin: Twin, system: System, report: Callable[[str], None]) -> None:
        """Bring the lab up, in the place of one that an earlier rehearsal has left.

        Raises:
            LabError: it does not come up.
        """
        self.down()
        # Quicker than a PVS, and awake at night: how long it takes is not rehearsed.
        simulator = [
            "--latency-seconds=0.5", "--daylight",
            f"--model={system.pvs.model}", f"--firmware={system.firmware}",
        ]  # fmt: skip
        process = subprocess.Popen(
            self._lab_command(
                "up", f"--release={system.release}", f"--backend={system.backend}",
                f"--simulator={shlex.join(simulator)}", f"--topology={twin.place.to_json()}",
            ),
            env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None  # noqa: S101 - for the type checker: PIPE was asked for
        for line in process.stdout:
            # What takes time is indented; the last line says that all is well.
            if line.startswith(" "):
                report(line.strip())
        said = process.communicate()[1]
        if process.returncode:
            problem, _, hint = said.strip().removeprefix("error: ").partition("\n  hint: ")
            raise LabError(f"the twin did not come up: {problem}", hint or "see above")
        inventory = self.folder / "inventory.yml"
        inventory.write_text(twin.inventory(self.lab), encoding="utf-8")

    def down(self) -> None:
        """Remove the lab, if it is there.

        Raises:
            LabError: it could not be removed.
        """
        self._lab("down")

    def play(self, name: str, log: Path, *arguments: str) -> str:
        """Run one of the project's playbooks on the twin and print one line per role.

        Args:
            name: of the playbook.
            log: file for all that it says.
            arguments: for ansible-playbook.

        Returns:
            what it said.

        Raises:
            LabError: it failed; why is in the message.
        """
        environment = {
            **playbook.ENVIRONMENT,
            "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"),
            # What root leaves there must not be in its caller's way, and goes with the lab.
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
            raise LabError(
                f"ansible/{name}.yml failed on the twin:\n{playbook.telling_part(said)}",
                f"see above; the whole log is {log}",
            )
        return said

    def files(self) -> dict[str, config_files.File]:
        """Return the configuration on the twin's card."""
        return config_files.read_archive(self._on_bridge(config_files.SHOW_FILES))

    def conffiles(self) -> dict[str, str]:
        """Return the MD5 sums of the configuration files that Debian's packages bring."""
        return config_files.read_conffiles(self._on_bridge(config_files.SHOW_CONFFILES).decode())

    def _on_bridge(self, command: str) -> bytes:
        return self._lab("run", "bridge", command)

    def _lab(self, command: str, *arguments: str) -> bytes:
        """Run one of the lab's commands and return what it printed.

        Raises:
            LabError: it failed.
        """
        done = subprocess.run(
            self._lab_command(command, *arguments),
            env=self._environment(), capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            problem, _, hint = done.stderr.decode().strip().partition("\n  hint: ")
            raise LabError(problem.removeprefix("error: "), hint or f"end it: {self.remove}")
        return done.stdout

    @property
    def remove(self) -> str:
        """What a person types to remove the lab."""
        return f"make lab-down LAB={self.lab}"

    def _lab_command(self, command: str, *arguments: str) -> list[str]:
        """Return one of the lab's commands, its own options before the arguments."""
        return [*self.as_root, sys.executable, "-m", "pvs_lab", command, f"--lab={self.lab}",
                *arguments]  # fmt: skip

    @staticmethod
    def _environment() -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
