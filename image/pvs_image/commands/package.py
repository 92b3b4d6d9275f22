"""Build the Debian package, for a Pi without a controller."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from pvs_image.build_inputs import source_date_epoch
from pvs_image.debian_package import build_package
from pvs_image.paths import PROJECT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--folder", type=Path, default=PROJECT / "build", help="the output folder")


def run(chosen: argparse.Namespace) -> int:
    """Build the package, and print its path.

    Raises:
        ImageError: the build failed.
    """
    os.umask(0o022)
    package = build_package(chosen.folder, source_date_epoch())
    print(f"{package}  {package.stat().st_size / 1024:.0f} KiB")
    return 0
