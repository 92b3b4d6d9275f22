"""Run modules on this machine in forks of Ansible, without a new interpreter for each one."""

# ruff: noqa: E402 - Ansible needs a plugin's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
name: forked
author: The pvs-bridge authors
version_added: "0.2.0"
short_description: Run modules on this machine in forks of the process
description:
  - Like P(ansible.builtin.local#connection), but modules run in a fork of the process that sends
    them. A new interpreter would read and compile everything again that Ansible has in memory.
  - Modules run as the user of Ansible, with the Python and the environment of Ansible. C(become),
    C(ansible_python_interpreter) and a task's C(environment) are ignored.
options:
  pipelining:
    description: Whether modules are sent without a file. Without pipelining they are not forked.
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
        """Run a module in a fork, and other commands in the shell.

        Args:
            cmd: the command; for a module, the command that would start its interpreter.
            in_data: the module as a Python program; or the standard input of another command.
            sudoable: whether become may be used; ignored for modules.

        Returns:
            exit status, standard output and standard error.
        """
        if in_data is None or not _is_module(in_data):
            result: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data, sudoable)
            return result
        with _memory_file("stdout") as stdout, _memory_file("stderr") as stderr:
            process = _FORK.Process(target=_run, args=(in_data, stdout, stderr))
            process.start()
            process.join()
            return process.exitcode or 0, _content(stdout), _content(stderr)


def _is_module(in_data: bytes) -> bool:
    """Return whether an input is a module, which has an interpreter in its first line."""
    return in_data.startswith(b"#!") and b"python" in in_data.splitlines()[0]


def _run(program: bytes, stdout: BinaryIO, stderr: BinaryIO) -> None:
    """Run the module in the fork, with an empty standard input."""
    stdin = os.open(os.devnull, os.O_RDONLY)
    for file, descriptor in ((stdin, 0), (stdout.fileno(), 1), (stderr.fileno(), 2)):
        os.dup2(file, descriptor)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = [""]
    exec(compile(program, "<module>", "exec"), {"__name__": "__main__"})  # noqa: S102 - Ansible's


def _memory_file(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(name), "w+b", buffering=0)


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
