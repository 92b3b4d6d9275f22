"""The output of a run does not show what is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[3]
_PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Write a file
      pvs_bridge.core.managed_files:
        files:
          - dest: {dest}
            show_difference: false
            content: "secret-of-anna\\n"
"""


def test_the_most_verbose_output_of_a_task_does_not_show_the_text(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(_PLAY.format(dest=tmp_path / "written"))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-vvv", "--diff", "-i", "localhost,",
         "-c", "local", "play.yml"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(_PROJECT / "ansible/collections"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "HOME": str(tmp_path),
        },
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "written").read_text() == "secret-of-anna\n"
    assert "Write a file" in done.stdout
    assert "secret-of-anna" not in done.stdout + done.stderr
