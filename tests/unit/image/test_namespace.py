"""An interrupted build leaves no process and no mount."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pvs_image.paths import IMAGE

pytestmark = pytest.mark.needs_system

# Mounts a tmpfs, starts a background process, and waits.
_PROGRAM = """
import os, signal, subprocess, sys, time
from pvs_image import namespace
# A test run in the background ignores SIGINT, and this program inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
namespace.enter(sys.argv[1:], program=[sys.argv[0]])
folder, seconds = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
subprocess.Popen(["sleep", seconds])
open(folder + "/mounted", "w").close()
open(folder + ".ready", "w").close()
time.sleep(987)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_processes_and_mounts(tmp_path: Path, ending: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    folder = tmp_path / "folder"
    folder.mkdir()
    # Unique, so that another run of this test on the same machine is not found.
    seconds = f"987.{os.getpid()}{ending}"
    build = subprocess.Popen(
        [sys.executable, str(program), str(folder), seconds],
        env={**os.environ, "PYTHONPATH": str(IMAGE)},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "folder.ready").exists():
        assert build.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    build.send_signal(ending)
    assert build.wait(timeout=30) != 0
    assert list(folder.iterdir()) == []
    assert str(folder) not in Path("/proc/mounts").read_text()
    left = subprocess.run(["pgrep", "--full", f"sleep {seconds}"], capture_output=True, check=False)
    assert left.stdout == b""
