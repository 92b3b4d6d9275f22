"""Build a card from Debian's packages, or Raspberry Pi OS, and this project's roles."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pvs_image import host, namespace
from pvs_image.build import Wanted, build
from pvs_image.edition import BASES
from pvs_image.paths import PROJECT, cache_dir
from pvs_image.recipe import source_date_epoch
from pvs_image.stages import Stages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may be asked for."""
    parser.add_argument("--base", default=BASES[0], help=f"made from: {', '.join(BASES)}")
    parser.add_argument("--base-image", default="", help="for raspios: a path or a URL")
    parser.add_argument("--base-sha256", default="", help="for raspios: the sha256 of that file")
    parser.add_argument("--base-url", default="", help="where the files will be on the web")
    parser.add_argument("--folder", type=Path, default=PROJECT / "build", help="where they go")
    parser.add_argument(
        "--fresh", action="store_true", help="take today's packages, not those of the last build"
    )


def run(chosen: argparse.Namespace) -> int:
    """Build.

    Raises:
        ImageError: it cannot be done.
    """
    wanted = Wanted(
        base=chosen.base,
        epoch=source_date_epoch(),
        folder=chosen.folder,
        base_url=chosen.base_url,
        base_image=chosen.base_image,
        base_sha256=chosen.base_sha256,
        fresh=chosen.fresh,
    )
    wanted.check()
    host.check(cache_dir())
    namespace.enter(sys.argv[1:])
    os.umask(0o022)
    built = build(wanted, Stages(cache_dir()))
    for file in built.files:
        print(f"{file}  {file.stat().st_size / 2**20:.1f} MiB")
    return 0
