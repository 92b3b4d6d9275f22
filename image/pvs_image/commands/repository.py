"""Build a signed Debian repository with the package."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from pvs_image.build_inputs import source_date_epoch
from pvs_image.debian_package import build_package
from pvs_image.paths import PROJECT
from pvs_image.repository import build_repository, valid_seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--key", default="", help="the fingerprint of a GnuPG key")
    parser.add_argument("--base-url", default="", help="the web folder that will hold the files")
    parser.add_argument("--valid-days", default="90", help="default: %(default)s")
    parser.add_argument("--folder", type=Path, default=PROJECT / "build", help="the output folder")


def run(chosen: argparse.Namespace) -> int:
    """Build the package and the repository, and print the files.

    Raises:
        ImageError: the build failed.
    """
    os.umask(0o022)
    seconds = valid_seconds(chosen.valid_days)
    package = build_package(chosen.folder, source_date_epoch())
    files = build_repository(
        package, chosen.folder / "repository",
        key=chosen.key, url=chosen.base_url, valid_seconds=seconds,
    )  # fmt: skip
    for file in files:
        print(f"{file}  {file.stat().st_size / 1024:.0f} KiB")
    return 0
