"""The users of a Pi that are not the bridge's: a person's account, and programs in containers.

A container with the host's network shares the network namespace of the Pi, and has its own mounts,
processes, IPC, host name and control group. These are made here by unshare, with the capabilities
that Docker gives; a container engine would add only a filter of system calls.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_lab import enter

_SURVEY = Path(__file__).with_name("survey.py").read_text(encoding="utf-8")
_SECONDS = 120
_ACCOUNT = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
# Docker's default: github.com/moby/moby, oci/caps/defaults.go.
_CAPABILITIES = (
    "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "net_bind_service", "net_raw", "sys_chroot", "mknod", "audit_write", "setfcap",
)  # fmt: skip
_KEPT = "-all," + ",".join(f"+{each}" for each in _CAPABILITIES)
# Programs of the Pi, and nothing else of it.
_OWN_ROOT = f"""
set -e
mount -t tmpfs none /mnt
mkdir /mnt/usr /mnt/proc /mnt/tmp /mnt/dev
mount --rbind /usr /mnt/usr
for each in bin sbin lib lib64; do [ ! -L /$each ] || ln -s usr/$each /mnt/$each; done
mount -t proc none /mnt/proc
touch /mnt/dev/null
mount --bind /dev/null /mnt/dev/null
exec chroot /mnt setpriv --bounding-set={_KEPT} --inh-caps=-all "$@"
"""


@dataclass(frozen=True)
class User:
    """Who runs a program on the Pi.

    Attributes:
        name: what tests call this user.
        prefix: the command before the program.
        container: whether this user has a root file system of its own.
    """

    name: str
    prefix: tuple[str, ...]
    container: bool = False

    def run(self, lab: str, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program on the Pi of a lab, as this user."""
        return subprocess.run(
            enter.command_on(lab, "bridge", [*self.prefix, *command]),
            input=given, capture_output=True, text=True, check=False, timeout=_SECONDS,
        )  # fmt: skip

    def python(self, lab: str, source: str, *arguments: str, given: str = "") -> str:
        """Run a Python program, which must succeed, and return what it prints.

        Raises:
            AssertionError: it failed; its errors are in the message.
        """
        done = self.run(lab, "python3", "-I", "-c", source, *arguments, given=given)
        if done.returncode:
            raise AssertionError(f"{self.name}: status {done.returncode}\n{done.stderr}")
        return done.stdout

    def rights(self, lab: str, secrets: list[str]) -> dict[str, set[str]]:
        """Return what this user may do on the Pi of a lab, by kinds; see survey.py."""
        paths = [] if self.container else json.loads(ROOT.python(lab, _SURVEY, "paths"))
        given = json.dumps({"paths": paths, "secrets": secrets})
        found: dict[str, Any] = json.loads(self.python(lab, _SURVEY, "rights", given=given))
        return {kind: set(names) for kind, names in found.items()}


ROOT = User("root", ())
ACCOUNT = User("an account", _ACCOUNT)
ROOTLESS = User(
    "a rootless container",
    (*_ACCOUNT, "unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork"),
)
CONTAINER = User(
    "a container that runs as root",
    ("unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork",
     "sh", "-c", _OWN_ROOT, "sh"),
    container=True,
)  # fmt: skip
USERS = (ACCOUNT, ROOTLESS, CONTAINER)
