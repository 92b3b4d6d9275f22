"""A lab's Pi that boots from a card of this project; its boot partition is a folder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridges.rollback.bridge import Bridge

from pvs_lab import enter, lifecycle
from pvs_lab.errors import LabError
from pvs_lab.paths import lab_dir
from pvs_lab.playbook import PROGRAM, changed_tasks, telling_part

_PROJECT = Path(__file__).resolve().parents[3]
_ON_PI = "/usr/local/share/pvs-bridge"
_BOOT = "/boot/firmware"
_FLASHED = "/var/lib/lab-flashed.tar"
_REPORT = "pvs-bridge-report.txt"
_PATIENCE_SECONDS = 120
PACKAGES = (
    "ansible-core", "cloud-guest-utils", "cloud-init", "dnsmasq", "haproxy", "nftables",
    "python3-aiohttp", "python3-yaml", "tzdata",
)  # fmt: skip

# The variables of an image build.
_VARIABLES = (
    "{ansible_connection: local, ansible_become: false, uplink_type: none, health_required: false}"
)
_BUILD = (
    f"cd {_ON_PI} && printf 'pvs_bridges:\\n  hosts:\\n    pvs-bridge: %s\\n' "
    f"'{_VARIABLES}' > /tmp/image.yml && unshare --mount --propagation=private "
    "sh -c 'mount -t tmpfs -o mode=0755 tmpfs /run && exec env SYSTEMD_OFFLINE=1 HOME=/root "
    "ANSIBLE_HOME=/run/ansible ansible-playbook -i /tmp/image.yml "
    "tests/bridges/boot_config/image.yml'"
)
# Some tests wait for a missing network; the lab's network answers sooner than this.
_IMPATIENT = (
    "mkdir -p /etc/systemd/system/pvs-bridge-boot-config-report.service.d && printf "
    "'[Service]\\nExecStart=\\nExecStart=/usr/local/bin/pvs-bridge boot-config report "
    "--wait 15\\n' "
    "> /etc/systemd/system/pvs-bridge-boot-config-report.service.d/lab.conf"
)
# The lab's wlan0 is a cable, which NetworkManager and netplan would configure by themselves.
_NO_CABLE = (
    "rm /etc/netplan/* && printf '[main]\\nno-auto-default=*\\n' "
    "> /etc/NetworkManager/conf.d/lab-no-cable.conf"
)
_KEEP = f"systemctl mask dnsmasq; mkdir -p {_BOOT}; tar cf {_FLASHED} /etc {_BOOT}"
_FLASH = f"rm -rf /etc/* {_BOOT}/* /var/lib/pvs-bridge* /var/lib/cloud && tar xf {_FLASHED} -C /"

# The beginnings of reports that are not final.
_PASSING = ("The bridge is set up and waits", "The bridge is in the home network; its health")


class Card(Bridge):
    """A Pi with such a card."""

    def build(self) -> None:
        """Build the card."""
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={_PROJECT}", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard", "ansible", "roles", "tests/bridges/boot_config", "ansible.cfg",
             "pyproject.toml", "LICENSE", ":(exclude)*.md", ":(exclude)*.png"],
            cwd=_PROJECT, capture_output=True, check=True,
        ).stdout  # fmt: skip
        packed = subprocess.run(
            ["tar", "--create", "--null", "--files-from=-"],
            cwd=_PROJECT, input=listed, capture_output=True, check=True,
        ).stdout  # fmt: skip
        self._enter(f"mkdir -p {_ON_PI} && tar x --no-same-owner -C {_ON_PI}", packed)
        for command in (_BUILD, _IMPATIENT, _NO_CABLE, _KEEP):
            status, said = self.run("bridge", command, timeout_seconds=self.run_seconds)
            assert status == 0, said  # noqa: S101 - for tests

    def run(self, host: str, command: str, *, timeout_seconds: float = 60) -> tuple[int, str]:
        """Run a shell command on a host; status 255 if the Pi is off or still booting."""
        try:
            return super().run(host, command, timeout_seconds=timeout_seconds)
        except LabError as error:
            return 255, str(error)

    def flash(self) -> None:
        """Reset the card to the state after its build, before the next boot."""
        self.output("bridge", _FLASH)

    def put(self, name: str, text: str) -> None:
        """Write a file to the boot partition."""
        self._enter(f"cat > {_BOOT}/{shlex.quote(name)}", text.encode())

    def get(self, name: str) -> str:
        """Read a file of the boot partition; empty if it is missing."""
        status, text = self.run("bridge", f"cat {_BOOT}/{shlex.quote(name)}")
        return "" if status else text

    def files(self) -> list[str]:
        """Return the names of the files on the boot partition."""
        return self.run("bridge", f"ls {_BOOT}")[1].split()

    def boot(self) -> str:
        """Restart the Pi by a power cut; return the report with normalized white space."""
        self.output("bridge", f"rm -f {_BOOT}/{_REPORT}")
        lifecycle.command(self.name, "power-off")
        return self.start()

    def start(self) -> str:
        """Power the Pi on; return the report with normalized white space."""
        lifecycle.command(self.name, "power-on")
        self.wait_for_boot()
        return self.report()

    def report(self) -> str:
        """Wait for the report; see :meth:`boot`."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        said = ""
        while not said or said.startswith(_PASSING):
            assert time.monotonic() < deadline, said  # noqa: S101 - for tests
            time.sleep(0.3)
            said = self.get(_REPORT)
        return " ".join(said.split())

    def plays(self) -> int:
        """Count the runs of Ansible in this boot."""
        journal = self.output(
            "bridge", "journalctl --boot --no-pager -u pvs-bridge-boot-config-apply"
        )
        return journal.count("PLAY RECAP")

    def provision_by_name(self, variables: Mapping[str, Any]) -> list[str]:
        """Provision the Pi over SSH by its own name; return the tasks that changed something."""
        folder = lab_dir(self.name)
        own = {
            "ansible_host": "bridge",
            "ansible_user": "pi",
            "ansible_ssh_common_args": f"-F {folder}/ssh_config",
            "health_client": "bridge",
            **variables,
        }
        inventory = folder / "own.json"
        inventory.write_text(
            json.dumps({"pvs_bridges": {"hosts": {variables["uplink_hostname"]: own}}})
        )
        done = subprocess.run(
            [PROGRAM, f"--inventory={inventory}", "ansible/site.yml"],
            cwd=_PROJECT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, timeout=self.run_seconds,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, telling_part(done.stdout)  # noqa: S101 - for tests
        return changed_tasks(done.stdout)

    def home_asks(self, port: int = 80) -> str:
        """Request DeviceList from the home network."""
        url = f"http://192.168.20.20:{port}/cgi-bin/dl_cgi?Command=DeviceList"
        return self.run("client", f"curl -s --max-time 20 '{url}'")[1]

    def _enter(self, command: str, entered: bytes) -> None:
        done = subprocess.run(
            enter.command_on(self.name, "bridge", ["sh", "-c", command]),
            input=entered, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr  # noqa: S101 - for tests
