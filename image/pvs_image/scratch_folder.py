"""A temporary folder for a root file system: in memory if there is enough, else on disk."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pvs_image.build_log import Log

# Twice the size of a root file system and its package archives.
_SIZE_MIB = 3 * 1024
# Memory left for other programs and for the build's own processes.
_LEFT_MIB = 2 * 1024


@contextlib.contextmanager
def scratch_folder(beside: Path, log: Log) -> Iterator[Path]:
    """Provide a folder and remove it afterwards.

    Memory is used because writing tens of thousands of small files dominates on a busy disk. The
    calling process must have its own mount namespace, see :mod:`pvs_image.namespace`.

    Args:
        beside: the parent folder; it is used itself if memory is short.
        log: the log of the stage.

    Raises:
        ImageError: the tmpfs cannot be mounted.
    """
    with contextlib.ExitStack() as stack:
        prefix = f".working-{log.stage}-"
        # Remains of a killed build. The stage's lock excludes a running one.
        for remains in beside.glob(f"{prefix}*"):
            shutil.rmtree(remains)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=beside))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if _available_mib() >= _SIZE_MIB + _LEFT_MIB:
            size = f"size={_SIZE_MIB}m,mode=0755"
            log.run(
                ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)],
                hint="report this error; mounts end with the build's own mount namespace",
            )
            stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
        folder.chmod(0o755)
        yield folder


def _available_mib() -> int:
    found = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) // 1024 if found else 0
