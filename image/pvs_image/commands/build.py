"""Build a card from Debian's packages and this project's roles."""

from __future__ import annotations

import argparse
import os
import sys

from pvs_image import host, namespace
from pvs_image.base import base_stage
from pvs_image.paths import cache_dir
from pvs_image.provision import provisioned_stage
from pvs_image.recipe import source_date_epoch
from pvs_image.stages import Stages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--fresh", action="store_true", help="take today's packages, not those of the last build"
    )


def run(chosen: argparse.Namespace) -> int:
    """Build.

    Raises:
        ImageError: it cannot be done.
    """
    host.check(cache_dir())
    namespace.enter(sys.argv[1:])
    os.umask(0o022)
    epoch = source_date_epoch()
    stages = Stages(cache_dir())
    base = stages.provide(base_stage(), again=chosen.fresh)
    stages.provide(provisioned_stage(base.file, epoch))
    return 0
