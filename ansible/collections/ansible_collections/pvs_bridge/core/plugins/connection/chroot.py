"""Let Ansible work inside of a root file system that no system runs from."""

# ruff: noqa: E402 - Ansible wants a plugin's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
name: chroot
author: The pvs-bridge authors
version_added: "0.2.0"
short_description: Work inside of a root file system in a folder
description:
  - Runs commands by C(chroot) in a folder of the controller, as root. It is how a card's root file
    system becomes a bridge before it has ever booted.
  - It mounts nothing. Whoever makes the folder mounts C(/proc) and C(/dev) into it.
options:
  root:
    description: The folder, an absolute path. The files that Ansible brings are put into it.
    type: path
    required: true
    vars:
      - name: ansible_chroot_root
  path:
    description: Where commands are searched, inside of the folder.
    type: str
    default: /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    vars:
      - name: ansible_chroot_path
"""

EXAMPLES = r"""
# In an inventory:
pvs_bridges:
  hosts:
    pvs-bridge:
      ansible_connection: pvs_bridge.core.chroot
      ansible_chroot_root: /var/tmp/card
      ansible_become: false
"""

import os
import shutil
import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

_SHELL = "bin/sh"


class Connection(ConnectionBase):
    """A root file system in a folder."""

    transport = "pvs_bridge.core.chroot"
    has_pipelining = True
    has_tty = False

    def _connect(self) -> Connection:
        """Look whether there is something to work in.

        Raises:
            AnsibleConnectionFailure: there is not, or only root could.
        """
        super()._connect()
        root = self._root()
        if os.geteuid() != 0:
            raise AnsibleConnectionFailure(
                f"{root}: only root can work in it. Hint: run it as root, or by unshare "
                "--map-auto --map-root-user"
            )
        # Its sh may be a link that leads somewhere only from the inside.
        if not os.path.lexists(root / _SHELL):
            raise AnsibleConnectionFailure(
                f"ansible_chroot_root: there is no root file system in {root}. "
                "Hint: unpack one there, or name the folder that has it"
            )
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a command of the shell.

        Args:
            cmd: the command.
            in_data: what it reads.
            sudoable: not used; whoever works here is root.

        Returns:
            its exit status, and what it printed and complained of.
        """
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        done = subprocess.run(
            ["chroot", str(self._root()), f"/{_SHELL}", "-c", cmd],
            input=in_data or b"",
            capture_output=True,
            # Nothing of the controller's own environment gets in.
            env={
                "HOME": "/root",
                "LANG": "C.UTF-8",
                "PATH": str(self.get_option("path")),
                "TERM": "dumb",
                # systemctl changes files, and asks nobody.
                "SYSTEMD_OFFLINE": "1",
            },
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the folder."""
        super().put_file(in_path, out_path)
        self._copy(Path(in_path), self._inside(out_path))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the folder."""
        super().fetch_file(in_path, out_path)
        self._copy(self._inside(in_path), Path(out_path))

    def close(self) -> None:
        """There is nothing to close."""
        self._connected = False

    def _root(self) -> Path:
        return Path(str(self.get_option("root")))

    def _inside(self, path: str) -> Path:
        return self._root() / os.path.normpath(path).lstrip("/")

    def _copy(self, source: Path, target: Path) -> None:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise AnsibleError(f"cannot copy {source} to {target}: {error}") from error
