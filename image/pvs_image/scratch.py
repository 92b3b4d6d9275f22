"""Where a root file system is put together: in memory, if there is enough."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pvs_image.log import Log

# A root file system with the archives that it comes from, twice over.
_SIZE_MIB = 3 * 1024
# What other programs keep, and what this build's own ones take.
_LEFT_MIB = 2 * 1024


@contextlib.contextmanager
def scratch(beside: Path, log: Log) -> Iterator[Path]:
    """Lend a folder that is gone afterwards.

    Tens of thousands of small files take a busy disk longer than the work on them. Only for a
    process that has mounts of its own, see :mod:`pvs_image.namespace`.

    Args:
        beside: the folder is below it, on disk where memory is short.
        log: of the stage.

    Raises:
        ImageError: nothing can be mounted.
    """
    with contextlib.ExitStack() as stack:
        prefix = f".working-{log.stage}-"
        # Of a build that was killed: who has the stage's lock is alone.
        for left in beside.glob(f"{prefix}*"):
            shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=beside))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if _available_mib() >= _SIZE_MIB + _LEFT_MIB:
            size = f"size={_SIZE_MIB}m,mode=0755"
            log.run(
                ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)],
                hint="report this; nothing is left mounted, as each build has mounts of its own",
            )
            stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
        folder.chmod(0o755)
        yield folder


def _available_mib() -> int:
    found = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) // 1024 if found else 0
