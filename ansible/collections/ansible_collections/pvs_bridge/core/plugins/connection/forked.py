"""Let Ansible work on the machine that it runs on, without a new Python for each module."""

# ruff: noqa: E402 - Ansible wants a plugin's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
name: forked
author: The pvs-bridge authors
version_added: "0.2.0"
short_description: Work on this machine, by modules in a copy of this process
description:
  - As P(ansible.builtin.local#connection), but a module does not begin with an interpreter of its
    own, which would read and compile again what Ansible has in memory. It runs in a fork of the
    process that has sent it.
  - Modules run as the user of Ansible, in the Python and the environment of Ansible. Neither
    C(become) nor C(ansible_python_interpreter) nor a task's C(environment) changes that.
options:
  pipelining:
    description: Whether modules are handed over without a file. Without it they are not forked.
    type: bool
    default: true
    vars:
      - name: ansible_pipelining
"""

EXAMPLES = r"""
# In an inventory:
pvs_bridges:
  hosts:
    pvs-bridge:
      ansible_connection: pvs_bridge.core.forked
      ansible_become: false
"""

import multiprocessing
import os
import sys
from typing import BinaryIO

from ansible.plugins.connection.local import Connection as LocalConnection

_FORK = multiprocessing.get_context("fork")


class Connection(LocalConnection):
    """This machine."""

    transport = "pvs_bridge.core.forked"

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a module in a fork, and anything else in the shell.

        Args:
            cmd: the command; of a module, what would start its interpreter.
            in_data: the module, as Ansible packs it: a program in Python that begins with nothing.
            sudoable: whether it may be run as somebody else, which is not done here.

        Returns:
            its exit status, and what it printed and complained of.
        """
        if in_data is None:
            result: tuple[int, bytes, bytes] = super().exec_command(cmd, sudoable=sudoable)
            return result
        with _memory("printed") as printed, _memory("complained") as complained:
            process = _FORK.Process(target=_run, args=(in_data, printed, complained))
            process.start()
            process.join()
            return process.exitcode or 0, _all_of(printed), _all_of(complained)


def _run(program: bytes, printed: BinaryIO, complained: BinaryIO) -> None:
    """Be the module, in the fork: a process with nothing to read whose output is kept."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for kept, descriptor in ((nothing, 0), (printed.fileno(), 1), (complained.fileno(), 2)):
        os.dup2(kept, descriptor)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = [""]
    exec(compile(program, "<module>", "exec"), {"__name__": "__main__"})  # noqa: S102 - Ansible's


def _memory(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(name), "w+b", buffering=0)


def _all_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
