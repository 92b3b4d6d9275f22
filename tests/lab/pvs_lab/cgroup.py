"""The lab's control group, on hosts with cgroup v2 and on hybrid hosts.

systemd in the container needs cgroup v2 without v1. Each lab mounts it in its own mount namespace,
so the host's layout does not matter.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

# Mounting over an existing cgroup v2 would fail.
_MOUNT = "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
# A hybrid host has its memory controller here, and the v2 tree lacks it.
_HYBRID_MEMORY = Path("/sys/fs/cgroup/memory")
# Memory that the kernel cannot drop and read again from a disk.
_KEYS = ("anon", "shmem")
_KEYS_HYBRID = ("total_rss", "total_shmem")


def _group(name: str, tree: Path = Path("/sys/fs/cgroup")) -> Path:
    return tree / f"pvs-bridge-lab-{name}"


def enter(name: str, command: list[str]) -> None:
    """Move this process into the lab's group, make the group its visible root, run a command.

    Args:
        name: the lab's name.
        command: replaces this process.
    """
    if _HYBRID_MEMORY.is_dir():
        memory = _group(name, _HYBRID_MEMORY)
        memory.mkdir(exist_ok=True)
        (memory / "cgroup.procs").write_text("0")
    subprocess.run(["sh", "-c", _MOUNT], check=True)
    _group(name).mkdir(exist_ok=True)
    (_group(name) / "cgroup.procs").write_text("0")
    in_group = ["unshare", "--cgroup", "sh", "-c", f'{_MOUNT} && exec "$@"', "sh", *command]
    os.execvp(in_group[0], in_group)


def remove(name: str) -> None:
    """Remove the group of a lab that has ended, and processes that still run in it.

    Args:
        name: the lab's name.
    """
    group = _group(name)
    # The kernel takes some time to end the processes of a PID namespace.
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
    with contextlib.suppress(FileNotFoundError):
        _group(name, _HYBRID_MEMORY).rmdir()


def leave_memory(name: str, mib: int | None) -> None:
    """Limit a lab's memory to what it needs now and some more.

    Args:
        name: the lab's name.
        mib: how much more, in MiB; None for no limit.
    """
    if _HYBRID_MEMORY.is_dir():
        group, limit, keys = _group(name, _HYBRID_MEMORY), "memory.limit_in_bytes", _KEYS_HYBRID
    else:
        group, limit, keys = _group(name), "memory.max", _KEYS
    lines = (group / "memory.stat").read_text().splitlines()
    known = {key: int(value) for key, value in map(str.split, lines)}
    needed = sum(known[key] for key in keys)
    unlimited = "-1" if keys is _KEYS_HYBRID else "max"
    (group / limit).write_text(unlimited if mib is None else str(needed + mib * 1024 * 1024))


if __name__ == "__main__":
    enter(sys.argv[1], sys.argv[2:])
