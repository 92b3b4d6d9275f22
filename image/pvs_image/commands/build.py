"""Build a card image from Debian packages or Raspberry Pi OS, and this project's roles."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pvs_image import host_check, namespace
from pvs_image.build import BuildOptions, build
from pvs_image.build_inputs import source_date_epoch
from pvs_image.paths import PROJECT, cache_dir
from pvs_image.release import BASES
from pvs_image.stages import Stages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--base", default=BASES[0], help=f"one of: {', '.join(BASES)}")
    parser.add_argument("--base-image", default="", help="for raspios: a path or a URL")
    parser.add_argument("--base-sha256", default="", help="for raspios: the sha256 of that file")
    parser.add_argument("--base-url", default="", help="the web folder that will hold the files")
    parser.add_argument("--folder", type=Path, default=PROJECT / "build", help="the output folder")
    parser.add_argument(
        "--fresh", action="store_true", help="install today's packages, ignoring the cached base"
    )


def run(chosen: argparse.Namespace) -> int:
    """Build, and print the files.

    Raises:
        ImageError: the build failed.
    """
    options = BuildOptions(
        base=chosen.base,
        epoch=source_date_epoch(),
        folder=chosen.folder,
        base_url=chosen.base_url,
        base_image=chosen.base_image,
        base_sha256=chosen.base_sha256,
        fresh=chosen.fresh,
    )
    options.check()
    host_check.check(cache_dir())
    namespace.enter(sys.argv[1:])
    os.umask(0o022)
    result = build(options, Stages(cache_dir()))
    for file in result.files:
        print(f"{file}  {file.stat().st_size / 2**20:.1f} MiB")
    return 0
