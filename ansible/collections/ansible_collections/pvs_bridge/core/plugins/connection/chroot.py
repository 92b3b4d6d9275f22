"""Run Ansible in a root file system that is not booted."""

# ruff: noqa: E402 - Ansible needs a plugin's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
name: chroot
author: The pvs-bridge authors
version_added: "0.2.0"
short_description: Run in a root file system in a folder
description:
  - Runs commands by C(chroot) in a folder of the controller, as root. The image builder uses it to
    provision the root file system of a card.
  - It mounts nothing. The caller must mount C(/proc) and C(/dev) in the folder.
options:
  root:
    description: The absolute path of the folder. Ansible writes its temporary files into it.
    type: path
    required: true
    vars:
      - name: ansible_chroot_root
  path:
    description: The search path of commands, within the folder.
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
        """Check that the folder contains a root file system.

        Raises:
            AnsibleConnectionFailure: it does not, or this process is not root.
        """
        super()._connect()
        root = self._root()
        if os.geteuid() != 0:
            raise AnsibleConnectionFailure(
                f"{root}: chroot needs root. Hint: run as root, or with unshare --map-auto "
                "--map-root-user"
            )
        # /bin/sh may be a symbolic link that is only valid within the folder.
        if not os.path.lexists(root / _SHELL):
            raise AnsibleConnectionFailure(
                f"ansible_chroot_root: {root} does not contain a root file system. "
                "Hint: unpack one there, or correct the path"
            )
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a shell command.

        Args:
            cmd: the command.
            in_data: its standard input.
            sudoable: not used, because the process is root.

        Returns:
            exit status, standard output and standard error.
        """
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        done = subprocess.run(
            ["chroot", str(self._root()), f"/{_SHELL}", "-c", cmd],
            input=in_data or b"",
            capture_output=True,
            # The controller's own environment is not passed on.
            env={
                "HOME": "/root",
                "LANG": "C.UTF-8",
                "PATH": str(self.get_option("path")),
                "TERM": "dumb",
                # systemctl only changes files, because systemd does not run there.
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
        """Mark the connection as closed."""
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
