"""Find the first difference between two builds."""

from __future__ import annotations

import filecmp
import tarfile
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

_READ_BYTES = 1024 * 1024


def first_difference(
    first: Mapping[str, Path], second: Mapping[str, Path], rootfs: tuple[Path, Path]
) -> str:
    """Compare the files of two builds byte by byte.

    Args:
        first: the files of one build, by name.
        second: the files of the other build.
        rootfs: both root file system tars, which show the difference in more detail.

    Returns:
        the first difference, in one line; empty if there is none.
    """
    for name in sorted({*first, *second}):
        if name not in first or name not in second:
            return f"only one build has {name}"
        if not filecmp.cmp(first[name], second[name], shallow=False):
            detail = _first_member(*rootfs) or "the root file systems are identical"
            return f"{name} differs; {detail}"
    return ""


def _first_member(first: Path, second: Path) -> str:
    """Return the first differing entry of two tars; empty if there is none."""
    with tarfile.open(first) as one, tarfile.open(second) as other:
        for here, there in zip_longest(one, other):
            if here is None or there is None or here.name != there.name:
                names = " and ".join(member.name for member in (here, there) if member)
                return f"only one root file system has {names}"
            for field in ("type", "mode", "uid", "gid", "mtime", "size", "linkname", "pax_headers"):
                values = getattr(here, field), getattr(there, field)
                if values[0] != values[1]:
                    return f"{here.name} differs in {field}: {values[0]} and {values[1]}"
            if here.isreg() and not _same_content(one, here, other, there):
                return f"{here.name} differs in content"
    return ""


def _same_content(
    one: tarfile.TarFile, here: tarfile.TarInfo, other: tarfile.TarFile, there: tarfile.TarInfo
) -> bool:
    first, second = one.extractfile(here), other.extractfile(there)
    if first is None or second is None:
        return first is second
    while True:
        pieces = first.read(_READ_BYTES), second.read(_READ_BYTES)
        if pieces[0] != pieces[1]:
            return False
        if not pieces[0]:
            return True
