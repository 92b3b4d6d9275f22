"""A build's own view of the machine: its mounts and processes end with it, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pvs_image.paths import IMAGE

_INSIDE = "PVS_IMAGE_NAMESPACE"


def enter(arguments: Sequence[str]) -> None:
    """Go on in a namespace; returns only inside of it.

    As root, it has mounts and processes of its own; for another user it is one in which that user
    is root. When its first process is gone, the kernel ends all others and undoes every mount.

    Args:
        arguments: of the command line, to begin again with.
    """
    if os.environ.get(_INSIDE):
        return
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-auto", "--map-root-user"]
    paths = [str(IMAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ.update({_INSIDE: "yes", "PYTHONPATH": os.pathsep.join(paths)})
    os.execvp(
        "unshare",
        ["unshare", *as_root, "--mount", "--propagation", "private", "--pid", "--fork",
         "--kill-child", "--mount-proc", sys.executable, "-m", "pvs_image", *arguments],
    )  # fmt: skip
