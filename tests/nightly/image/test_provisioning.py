"""The roles change nothing when they are applied to the image a second time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pvs_image.paths import IMAGE

# Runs in its own mount namespace, with the stages that `make image` has cached.
_TWICE = """
import sys
from pathlib import Path
from pvs_image import provision, rootfs
from pvs_image.debian_base import base_stage
from pvs_image.chroot import prepared_chroot
from pvs_image.build_log import Log
from pvs_image.paths import cache_dir
from pvs_image.stages import Stages
from pvs_image.native_tools import are_available, native_tools_stage

stages, root = Stages(cache_dir()), Path(sys.argv[1])
tools = stages.provide(native_tools_stage()).file if are_available() else None
with open(sys.argv[2], "w") as output:
    log = Log("twice", output, print)
    rootfs.unpack(stages.provide(base_stage(tools)).file, root, log)
    provision.provision(root, log, tools=tools)
    with prepared_chroot(root, tools, log, online=False):
        log.step("apply the roles again")
        provision.run_playbook(root, log, tools=tools)
"""


def test_a_second_run_of_the_roles_changes_nothing(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to set file owners")
    log = tmp_path / "log"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
         "--mount-proc", sys.executable, "-c", _TWICE, str(tmp_path / "root"), str(log)],
        env={**os.environ, "PYTHONPATH": str(IMAGE)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = re.findall(r"^pvs-bridge .* changed=(\d+) ", log.read_text(), re.MULTILINE)
    assert int(first) > 0
    assert int(second) == 0, log.read_text()[-6000:]
