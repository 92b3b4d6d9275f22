"""Programs of a cached image, run in it as if it were this machine's root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# The image is never written to: what a program writes goes into memory and ends with it, as the
# mounts do. The program's own account must be able to read it, independent of the caller's umask.
_ENTER = """
set -e
umask 022
point=$1 layers=$2 folder=$3 seen_as=$4
shift 4
mount -t tmpfs tmpfs "$point"
root=$point/root
mkdir "$root" "$point/written" "$point/work"
mount -t overlay programs \\
    -o "lowerdir=$layers,upperdir=$point/written,workdir=$point/work" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mkdir -p "$root/run/haproxy" "$root$seen_as"
mount --bind "$folder" "$root$seen_as"
exec env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"
"""


def command_in(
    layers: Sequence[Path], point: Path, folder: Path, seen_as: str, words: Sequence[str]
) -> list[str]:
    """The command that runs a program in a root of its own; ``/`` is its working folder.

    Args:
        layers: the folders that make its root, the topmost first.
        point: an empty folder, which may be inside a layer; several programs may share it.
        folder: the folder of this machine that the program sees.
        seen_as: the absolute path at which the program sees it.
        words: program and arguments.
    """
    places = [str(point), ":".join(map(str, layers)), str(folder), seen_as]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh",
            *places, *words]  # fmt: skip
