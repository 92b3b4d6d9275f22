"""Runs the module pvs_bridge.core.managed_files as Ansible does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_PROJECT = Path(__file__).resolve().parents[3]
# Runs the module in a process of its own, with its arguments as Ansible hands them over, and with
# another program to arm the rollback, and another list of what is mounted.
_RUN = """
import json, pathlib, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.pvs_bridge.core.plugins.modules import managed_files
managed_files._ROLLBACK, managed_files._MOUNTS = [sys.argv[1]], pathlib.Path(sys.argv[2])
managed_files._UNAPPLIED = pathlib.Path(sys.argv[3])
with patch_module_args(json.load(sys.stdin)):
    managed_files.main()
"""


def put(
    *files: dict[str, Any],
    check: bool = False,
    rollback: dict[str, Any] | None = None,
    program: Path = Path("/bin/false"),
    mounts: Path = Path("/proc/mounts"),
    unapplied: dict[str, str] | None = None,
    unapplied_folder: Path = Path("/nowhere"),
) -> dict[str, Any]:
    """Run the module and return its result.

    Args:
        files: the module's option.
        check: whether in check mode.
        rollback: the module's option.
        program: stands in for the one that arms it.
        mounts: says what is mounted.
        unapplied: the module's option.
        unapplied_folder: where the host keeps the names of unapplied changes.
    """
    arguments: dict[str, Any] = {
        "files": list(files),
        "_ansible_check_mode": check,
        "_ansible_diff": True,
    }
    if rollback:
        arguments["rollback"] = rollback
    if unapplied:
        arguments["unapplied"] = unapplied
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(program), str(mounts), str(unapplied_folder)],
        input=json.dumps(arguments),
        env={**os.environ, "PYTHONPATH": str(_PROJECT / "ansible/collections")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr  # noqa: S101 - for tests
    result: dict[str, Any] = json.loads(done.stdout)
    return result
