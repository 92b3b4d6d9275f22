"""The bridge itself, if it is reachable: its system, and what a run would change."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bridgectl.rehearse.system import Seen
from pvs_bridge.pvs.firmware import read_firmware
from pvs_lab.options import BACKENDS, RELEASES
from pvs_lab.paths import PACKAGE_ROOT
from pvs_lab.playbook import PROGRAM, changed_count, telling_part

_PROJECT = PACKAGE_ROOT.parents[1]
_CONNECT_SECONDS = 5
_GATHER_SECONDS = 40
_CHECK_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Bridge:
    """A real bridge, which may be unreachable.

    Attributes:
        inventory: a file or a folder.
        name: its name in the inventory.
    """

    inventory: Path
    name: str

    def gather(self) -> tuple[Seen, str | None]:
        """Get the system of the Pi and the PVS.

        Returns:
            what is known; and why the Pi could not be reached, else None.
        """
        with tempfile.TemporaryDirectory(prefix="pvs-bridge-") as folder:
            answer = Path(folder) / "answer.json"
            said = self._play(
                ["ansible/gather.yml", f"--timeout={_CONNECT_SECONDS}",
                 f"--extra-vars={json.dumps({'look_into': str(answer)})}"],
                _GATHER_SECONDS,
            )  # fmt: skip
            if not answer.exists():
                return Seen(), _one_line(said)
            found = json.loads(answer.read_text(encoding="utf-8"))
        if "bridge" not in found["pi"]:
            return Seen(), _one_line(str(found["pi"].get("msg")))
        return seen(found), None

    def would_change(self) -> tuple[int | None, str]:
        """Run site.yml in check mode on the Pi.

        Returns:
            the number of tasks that would change something, None if the run has failed; and
            Ansible's output with the differences.
        """
        said = self._play(["ansible/site.yml", "--check", "--diff"], _CHECK_SECONDS)
        count = changed_count(said)
        return count, said if count is not None else telling_part(said)

    def _play(self, arguments: list[str], timeout_seconds: float) -> str:
        """Run a playbook on the bridge and return its output.

        Without a terminal, neither ssh nor sudo asks for a password or a host key.
        """
        command = [str(PROGRAM), f"--inventory={self.inventory.resolve()}", f"--limit={self.name}"]
        try:
            done = subprocess.run(
                [*command, *arguments],
                cwd=_PROJECT,
                env={
                    **os.environ,
                    "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"),
                    "ANSIBLE_NOCOLOR": "1",
                    "ANSIBLE_DISPLAY_OK_HOSTS": "0",
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=timeout_seconds,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {timeout_seconds:.0f} s"
        return done.stdout


def seen(found: dict[str, Any]) -> Seen:
    """Read the result of ansible/gather.yml; leave out what the lab does not support."""
    pi = found["pi"]["bridge"]
    build = read_firmware(json.dumps(found["pvs"].get("json")).encode()).build
    release = pi["os"]["codename"]
    return Seen(
        release=release if release in RELEASES else None,
        backend=pi["backend"] if pi["backend"] in BACKENDS else None,
        firmware=build,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
