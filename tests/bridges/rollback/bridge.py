"""A lab's bridge whose network is changed: the runs, and the state to compare."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridges.rollback.state import State, state_of

from pvs_lab import lifecycle
from pvs_lab.errors import LabError
from pvs_lab.lab_client import LabClient
from pvs_lab.paths import PACKAGE_ROOT
from pvs_lab.playbook import PROGRAM, changed_tasks, telling_part

_PROJECT = Path(__file__).resolve().parents[3]
# What the roles promise, and what a machine that does other things beside may need.
_PATIENCE_SECONDS = 90

# The name of the Pi in the home's DNS.
_NAME = {"uplink_hostname": "bridge"}

# The lab's router does not have this network, so a Pi in it is unreachable from home.
UNREACHABLE = {
    "uplink_method": "static",
    "uplink_address": "192.168.99.21/24",
    "uplink_gateway": "192.168.99.1",
    "uplink_dns_servers": ["192.168.99.1"],
    "rollback_timeout_seconds": 30,
}
PENDING = "/var/lib/pvs-bridge/rollback/pending.json"
SNAPSHOT = "/var/lib/pvs-bridge/rollback/snapshot.tar"


@dataclass(frozen=True)
class Run:
    """A finished run of ``ansible-playbook``.

    Attributes:
        status: its exit status.
        output: all that it printed.
    """

    status: int
    output: str

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something."""
        return changed_tasks(self.output)

    @property
    def confirm_seconds(self) -> float:
        """The duration of the network change, from its beginning to its confirmation."""
        found = r"^ +moved: \w+\n +seconds: ([\d.]+)$"
        (seconds,) = re.findall(found, self.output, re.MULTILINE)
        return float(seconds)

    @property
    def said(self) -> str:
        """The output with normalized white space."""
        return " ".join(self.output.split())

    def says(self, text: str) -> bool:
        """Whether it printed a text; where its lines end does not matter.

        Raises:
            AssertionError: it did not; why the run has failed is in the message.
        """
        if text not in self.said:
            raise AssertionError(f"nothing says {text!r}:\n{telling_part(self.output)}")
        return True


class Bridge(LabClient):
    """A lab, and the runs that provision its Pi.

    Attributes:
        run_seconds: how long a run may take.
    """

    run_seconds = 400

    def command(self, name: str, *arguments: str) -> None:
        """Run a command of the lab.

        Raises:
            AssertionError: it failed; what it said is in the message.
        """
        done = subprocess.run(
            [sys.executable, "-m", "pvs_lab", name, "--lab", self.name, *arguments],
            env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr  # noqa: S101 - for tests

    def up_provisioned(
        self, release: str, backend: str, variables: Mapping[str, Any], *arguments: str
    ) -> None:
        """Bring the lab up with a golden bridge, and wait until the bridge is healthy.

        Args:
            release: Debian release.
            backend: network backend.
            variables: that differ from those of the lab's inventory.
            arguments: more of the command.

        Raises:
            AssertionError: it is not healthy in time; what its health check says is in the message.
        """
        self.command(
            "up", f"--release={release}", f"--backend={backend}",
            f"--provisioned={json.dumps(variables)}", *arguments,
        )  # fmt: skip
        self.wait_for_boot()
        check = "pvs-bridge health"
        healthy = self.until(lambda: self.run("bridge", check)[0] == 0, _PATIENCE_SECONDS)
        assert healthy, self.run("bridge", check)[1]  # noqa: S101 - for tests

    def examine(
        self, *arguments: str, inventory: str | Path = "inventory/lab"
    ) -> subprocess.CompletedProcess[str]:
        """Run the doctor for the bridge.

        Args:
            arguments: more of the command.
            inventory: that names the bridge.
        """
        return subprocess.run(
            [sys.executable, "-m", "bridgectl", "doctor", f"--inventory={inventory}", *arguments],
            cwd=_PROJECT,
            env={
                **os.environ,
                "LAB": self.name,
                "PYTHONPATH": f"{PACKAGE_ROOT}:{_PROJECT / 'ansible'}",
            },
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip

    @property
    def _environment(self) -> dict[str, str]:
        """The environment of the project's programs."""
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "LAB": self.name,
            "PYTHONPATH": str(PACKAGE_ROOT),
        }

    @contextlib.contextmanager
    def running(
        self, variables: Mapping[str, Any], *arguments: str, playbook: str = "ansible/site.yml"
    ) -> Iterator[Callable[[], Run]]:
        """Run a playbook in the background.

        Args:
            variables: that differ from those of the lab's inventory.
            arguments: more of ``ansible-playbook``.
            playbook: the one that provisions, if it is left out.

        Yields:
            a function that waits for the end. Without it the run is killed, as a computer does that
            loses its power.
        """
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(
                [PROGRAM, "-v", "--inventory=inventory/lab", *arguments,
                 f"--extra-vars={json.dumps({**_NAME, **variables})}", playbook],
                cwd=_PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

            def end() -> Run:
                status = process.wait(self.run_seconds)
                output.seek(0)
                return Run(status, output.read())

            try:
                yield end
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def provision(
        self, variables: Mapping[str, Any], *arguments: str, playbook: str = "ansible/site.yml"
    ) -> Run:
        """Provision, or run another playbook; see :meth:`running`."""
        with self.running(variables, *arguments, playbook=playbook) as end:
            return end()

    def good_run(self, variables: Mapping[str, Any], *arguments: str) -> Run:
        """Provision, and check that the bridge is healthy.

        Raises:
            AssertionError: it was not that far; why is in the message.
        """
        run = self.provision(variables, *arguments)
        run.says(f"{self.name} is healthy")
        return run

    def state(self) -> State:
        """Return the state of the Pi that a network change can alter."""
        return state_of(self)

    def settles_as(self, before: State) -> State:
        """Wait for the Pi to return to a state; return its state then, or after the timeout."""
        self.until(lambda: self.state() == before, _PATIENCE_SECONDS)
        return self.state()

    def exists(self, path: str) -> bool:
        """Return whether a path exists on the Pi."""
        return self.run("bridge", f"test -e {path}")[0] == 0

    def waits_for(self, path: str, *, there: bool, seconds: float = _PATIENCE_SECONDS) -> bool:
        """Wait until a path exists, or does not; return whether it does in time."""
        return self.until(lambda: self.exists(path) == there, seconds)

    def addresses(self) -> list[str]:
        """Return the Pi's IPv4 addresses in the home network."""
        (link,) = json.loads(self.output("bridge", "ip -json -4 address show dev wlan0")) or [{}]
        return [each["local"] for each in link.get("addr_info", [])]

    def comes_to(self, address: str) -> bool:
        """Wait until the Pi has an address and the change is complete; return whether it does."""
        state = "systemctl show --property=SubState --value pvs-bridge-rollback-change"

        def is_there() -> bool:
            return self.addresses() == [address] and self.output("bridge", state) == "exited\n"

        return self.until(is_there, _PATIENCE_SECONDS)

    def traces(self) -> list[str]:
        """Return the files and timers of an unconfirmed change; empty without one."""
        found = self.output(
            "bridge",
            "ls /var/lib/pvs-bridge/rollback; "
            "systemctl list-units --all --plain --no-legend 'pvs-bridge-rollback-deadline*'",
        ).splitlines()
        return [each for each in found if each not in ("last.json", "rejected")]

    def last_undone(self) -> dict[str, Any]:
        """Return the last undo of ``pvs-bridge rollback status``."""
        said = self.output("bridge", "pvs-bridge rollback status --json")
        undone: dict[str, Any] = json.loads(said)["last_undone"]
        return undone

    def reboot(self) -> None:
        """Cut the power and restore it; return when the Pi has started."""
        lifecycle.command(self.name, "power-off")
        lifecycle.command(self.name, "power-on")
        self.wait_for_boot()

    def wait_for_boot(self) -> None:
        """Wait until the Pi has started.

        Raises:
            AssertionError: it takes too long, or something has failed.
        """
        said = ""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while said not in ("running", "degraded"):
            if time.monotonic() > deadline:
                raise AssertionError(f"the Pi has not booted: {said}")
            with contextlib.suppress(LabError):
                said = self.run("bridge", "systemctl is-system-running")[1].strip()
            time.sleep(0.3)
        failed = self.output("bridge", "systemctl --failed --no-legend --plain")
        assert said == "running", failed  # noqa: S101 - for tests
