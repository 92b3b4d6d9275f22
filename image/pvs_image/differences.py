"""Where two builds differ: the first file that is not the same, and in what."""

from __future__ import annotations

import filecmp
import tarfile
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

_READ_BYTES = 1024 * 1024


def first_difference(
    one: Mapping[str, Path], other: Mapping[str, Path], rootfs: tuple[Path, Path]
) -> str:
    """Compare what two builds have made, byte by byte.

    Args:
        one: the files of one build, by name.
        other: those of the other.
        rootfs: the tars of both root file systems, which tell more than the card does.

    Returns:
        what differs first, in a line for a person; empty where nothing does.
    """
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            return f"only one of the builds has made {name}"
        if not filecmp.cmp(one[name], other[name], shallow=False):
            return f"{name} differs; " + (
                _first_member(*rootfs) or "the root file systems are the same"
            )
    return ""


def _first_member(one: Path, other: Path) -> str:
    """Return the first entry of two tars that is not the same."""
    with tarfile.open(one) as first, tarfile.open(other) as second:
        for here, there in zip_longest(first, second):
            if here is None or there is None or here.name != there.name:
                names = " and ".join(each.name for each in (here, there) if each)
                return f"only one of the root file systems has {names}"
            for what in ("type", "mode", "uid", "gid", "mtime", "size", "linkname", "pax_headers"):
                if getattr(here, what) != getattr(there, what):
                    values = f"{getattr(here, what)} and {getattr(there, what)}"
                    return f"{here.name} has another {what}: {values}"
            if here.isreg() and not _same(first, here, second, there):
                return f"{here.name} has another content"
    return ""


def _same(
    first: tarfile.TarFile, here: tarfile.TarInfo, second: tarfile.TarFile, there: tarfile.TarInfo
) -> bool:
    one, other = first.extractfile(here), second.extractfile(there)
    if one is None or other is None:
        return one is other
    while True:
        pieces = one.read(_READ_BYTES), other.read(_READ_BYTES)
        if pieces[0] != pieces[1]:
            return False
        if not pieces[0]:
            return True
