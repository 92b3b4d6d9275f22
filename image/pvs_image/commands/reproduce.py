"""Build twice, in different folders and from nothing, and compare every byte."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from pvs_image import host, namespace
from pvs_image.copies import make_copy
from pvs_image.differences import first_difference
from pvs_image.errors import ImageError
from pvs_image.paths import cache_dir
from pvs_image.recipe import source_date_epoch

# Two builds at once would need it; they come one behind the other, but both are kept to compare.
_NEEDED_MIB = 2 * host.NEEDED_MIB


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may be asked for."""
    parser.add_argument(
        "--keep", action="store_true", help="leave both builds there, to look at a difference"
    )


def run(chosen: argparse.Namespace) -> int:
    """Build the last commit twice, and compare.

    Raises:
        ImageError: it cannot be built, or differs.
    """
    epoch = source_date_epoch()
    host.check(cache_dir())
    host.check_space(cache_dir(), _NEEDED_MIB)
    namespace.enter(sys.argv[1:])
    cache_dir().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="reproducing-", dir=cache_dir()))
    copies = [make_copy(folder, name) for name in ("first", "in-another-folder")]
    try:
        for copy in copies:
            print(f"builds in {copy.folder}", flush=True)
            copy.build(epoch)
        one, other = copies
        found = first_difference(one.files, other.files, (one.rootfs, other.rootfs))
        if found:
            raise ImageError(
                found,
                "see with --keep what both builds say of it; a mirror that was updated in between "
                "is the usual reason",
            )
        for name in one.files:
            print(f"the same bytes: {name}")
    finally:
        if chosen.keep:
            print(f"both builds are in {folder}")
        else:
            for copy in copies:
                copy.remove()
            for left in (*folder.iterdir(), folder):
                left.rmdir()
    return 0
