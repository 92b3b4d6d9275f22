"""The chroot connection plugin: Ansible in a real chroot."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pvs_image.paths import PROJECT

pytestmark = pytest.mark.needs_system

ANSIBLE = Path(sys.executable).with_name("ansible")
# A root file system with bind mounts of this machine's programs, in a mount namespace.
INSIDE = """
set -eu
root=$1
shift
mkdir -p "$root/usr" "$root/proc" "$root/dev" "$root/tmp" "$root/root" "$root/etc"
mount --bind /usr "$root/usr"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
for each in bin lib lib64 sbin; do [ -e "$root/$each" ] || ln -s "usr/$each" "$root/$each"; done
exec "$@"
"""


@dataclasses.dataclass(frozen=True)
class Chroot:
    """A root file system, and a way to run Ansible in it."""

    root: Path

    def ansible(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one module in it."""
        settings = {
            "ansible_connection": "pvs_bridge.core.chroot",
            "ansible_chroot_root": str(self.root),
            "ansible_python_interpreter": "/usr/bin/python3",
            **variables,
        }
        command = [
            str(ANSIBLE), "card", "--inventory", "card,", "--extra-vars", json.dumps(settings),
            *arguments,
        ]  # fmt: skip
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh",
             str(self.root), *command],
            cwd=PROJECT, capture_output=True, text=True, check=False,
            env={**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
                 "ONLY_OUTSIDE": "yes"},
        )  # fmt: skip


@pytest.fixture
def chroot(tmp_path: Path) -> Chroot:
    if os.geteuid() != 0:
        pytest.skip("only root can change the root")
    (tmp_path / "card").mkdir()
    return Chroot(tmp_path / "card")


def test_a_command_runs_in_the_chroot(chroot: Chroot) -> None:
    (chroot.root / "etc").mkdir()
    (chroot.root / "etc/where").write_text("inside")
    done = chroot.ansible("-m", "ansible.builtin.raw", "-a", "cat /etc/where; exit 7")
    assert "inside" in done.stdout
    assert "rc=7" in done.stdout


def test_the_build_machines_environment_is_not_visible(chroot: Chroot) -> None:
    done = chroot.ansible("-m", "ansible.builtin.raw", "-a", "env")
    assert "ONLY_OUTSIDE" not in done.stdout
    assert "SYSTEMD_OFFLINE=1" in done.stdout


def test_a_module_runs_in_the_chroot_and_changes_nothing_the_second_time(chroot: Chroot) -> None:
    arguments = ("-m", "pvs_bridge.core.managed_files", "-a",
                 json.dumps({"files": [{"dest": "/etc/new", "content": "text"}]}))  # fmt: skip
    assert "CHANGED" in chroot.ansible(*arguments).stdout
    assert (chroot.root / "etc/new").read_text() == "text"
    assert "SUCCESS" in chroot.ansible(*arguments).stdout


def test_files_are_copied_in_and_out(chroot: Chroot, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 1000)
    put = chroot.ansible("-m", "ansible.builtin.copy", "-a", f"src={source} dest=/etc/there")
    assert "CHANGED" in put.stdout
    fetched = tmp_path / "fetched"
    chroot.ansible("-m", "ansible.builtin.fetch", "-a", f"src=/etc/there dest={fetched} flat=yes")
    assert fetched.read_bytes() == source.read_bytes()


def test_a_folder_without_a_root_file_system_is_refused_with_a_hint(
    chroot: Chroot, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    done = chroot.ansible(
        "-m", "ansible.builtin.raw", "-a", "true", ansible_chroot_root=str(tmp_path / "empty")
    )
    assert "there is no root file system in" in done.stdout + done.stderr
    assert "Hint: unpack one there" in done.stdout + done.stderr
