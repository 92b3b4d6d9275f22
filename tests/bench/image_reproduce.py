"""Build the last commit twice, in two folders and from nothing, and compare every byte."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.image_builds.clones import Clone, make_clone
from bench.image_builds.differences import first_difference

from pvs_image import host_check, namespace
from pvs_image.build_inputs import source_date_epoch
from pvs_image.errors import ImageError
from pvs_image.paths import cache_dir

# Both builds are kept until they have been compared.
_NEEDED_MIB = 2 * host_check.NEEDED_MIB


def main() -> int:
    """Build twice, and compare.

    Returns:
        the exit status: 1 after an error or if the builds differ.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep both builds, to examine them")
    keep = parser.parse_args().keep
    try:
        epoch = source_date_epoch()
        host_check.check(cache_dir())
        host_check.check_space(cache_dir(), _NEEDED_MIB)
        namespace.enter(sys.argv[1:], program=(__file__,))
        cache_dir().mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="reproducing-", dir=cache_dir()))
        clones = [make_clone(folder, name) for name in ("first", "in-another-folder")]
        try:
            _compare(clones, epoch)
        finally:
            if keep:
                print(f"both builds are in {folder}")
            else:
                _remove(folder, clones)
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _compare(clones: list[Clone], epoch: int) -> None:
    """Build in each clone, and compare the results.

    Raises:
        ImageError: a build failed, or the results differ.
    """
    for clone in clones:
        print(f"building in {clone.folder}", flush=True)
        clone.build(epoch)
    first, second = clones
    difference = first_difference(first.files, second.files, (first.rootfs, second.rootfs))
    if difference:
        raise ImageError(
            difference,
            "compare both builds with --keep; the usual reason is a mirror that was updated "
            "between them",
        )
    for name in first.files:
        print(f"identical: {name}")


def _remove(folder: Path, clones: list[Clone]) -> None:
    for clone in clones:
        clone.remove()
    for remaining in (*folder.iterdir(), folder):
        remaining.rmdir()


if __name__ == "__main__":
    sys.exit(main())
