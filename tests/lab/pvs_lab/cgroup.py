"""The lab's part of the control-group tree, on hosts with cgroup v2 and on hybrid ones.

systemd inside the container wants cgroup v2 alone. Each lab mounts it where only the lab sees
it, so that the host's own layout does not matter.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# Mounting over what is there would fail where that is cgroup v2 already.
_MOUNT = "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"


def _group(name: str) -> Path:
    return Path("/sys/fs/cgroup") / f"pvs-bridge-lab-{name}"


def enter(name: str, command: list[str]) -> None:
    """Move this process into the lab's group, make it the root that is seen, run a command.

    Args:
        name: the lab's name.
        command: replaces this process.
    """
    subprocess.run(["sh", "-c", _MOUNT], check=True)
    _group(name).mkdir(exist_ok=True)
    (_group(name) / "cgroup.procs").write_text("0")
    in_group = ["unshare", "--cgroup", "sh", "-c", f'{_MOUNT} && exec "$@"', "sh", *command]
    os.execvp(in_group[0], in_group)


def remove(name: str) -> None:
    """Remove the group of a lab that has ended, with what may still run in it.

    Args:
        name: the lab's name.
    """
    group = _group(name)
    # The kernel takes a moment to end the processes of a PID namespace.
    script = f"""
        {_MOUNT}
        for attempt in $(seq 200); do
            test -d {group} || exit 0
            echo 1 2> /dev/null > {group}/cgroup.kill
            find {group} -depth -type d -delete 2> /dev/null && exit 0
            sleep 0.1
        done
        exit 1
    """
    subprocess.run(["unshare", "--mount", "sh", "-c", script], check=True)


if __name__ == "__main__":
    enter(sys.argv[1], sys.argv[2:])
