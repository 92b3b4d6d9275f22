"""Serve the built card to a Raspberry Pi Imager on another computer."""

from __future__ import annotations

import argparse
from pathlib import Path

from pvs_image.image_server import ImageServer
from pvs_image.paths import PROJECT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--folder", type=Path, default=PROJECT / "build", help="the built files")
    parser.add_argument("--address", default="", help="the address to listen on; all by default")
    parser.add_argument("--port", type=int, default=8000, help="default: %(default)s")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C.

    Raises:
        ImageError: there is no card, or the port cannot be used.
    """
    with ImageServer(arguments.folder, arguments.address, arguments.port) as server:
        print(
            f"On the other computer, start: rpi-imager --repo {server.url()}\n"
            "Or enter this URL into Imager: App Options, Content Repository, Use custom URL.\n"
            "Everyone in this network can read the card. Ctrl-C ends this.",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
