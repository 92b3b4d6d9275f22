"""Write a bridge's configuration into a copy of the image, or onto a card."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bridgectl.errors import CannotWorkError
from bridgectl.inventory import passwords
from pvs_image.block_device import confirm, writable_device
from pvs_image.card_writer import write_card
from pvs_image.errors import ImageError
from pvs_image.paths import cache_dir
from pvs_image.personalise import personalise, unpacked
from pvs_image.ssh_keys import authorized_keys

BUILD = Path("build")
# File names on the boot partition, which the Pi reads at boot.
CONFIGURATION_FILE = "pvs-bridge.yml"
KEYS_FILE, USER_FILE = "authorized_keys", "userconf.txt"
# The owner of authorized_keys without a userconf.txt.
DEFAULT_USER = "pi"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--inventory", type=Path, default=Path("inventory/home"))
    parser.add_argument("--limit", default="", help="the bridge: an Ansible host pattern")
    parser.add_argument(
        "--image", type=Path, help="an .img or .img.xz; by default the newest in build/"
    )
    parser.add_argument(
        "--output", type=Path, help="the copy; by default build/pvs-bridge-NAME.img"
    )
    parser.add_argument("--device", type=Path, help="a card to write, such as /dev/sdb")
    parser.add_argument(
        "--key",
        type=Path,
        action="append",
        default=[],
        help="a public key; by default ~/.ssh/*.pub",
    )
    passwords.add_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the copy or the card.

    Raises:
        ImageError: the configuration has mistakes, or a file is missing.
    """
    # Imported here because loading Ansible takes half a second, which other commands need not wait.
    from pvs_image.inventory_reader import read_configuration

    try:
        known = passwords.passwords(arguments)
    except CannotWorkError as error:
        raise ImageError(error.issue.located_problem, error.issue.hint) from None
    configuration = read_configuration(arguments.inventory, arguments.limit, known)
    bridge = configuration.bridge
    image = arguments.image or _newest(BUILD)
    files = {
        CONFIGURATION_FILE: configuration.as_yaml(),
        KEYS_FILE: authorized_keys(arguments.key, Path.home()),
    }
    if configuration.user != DEFAULT_USER:
        # An exclamation mark instead of a hash: no password is right.
        files[USER_FILE] = f"{configuration.user}:!\n"
    if arguments.device is None:
        target = arguments.output or BUILD / f"pvs-bridge-{bridge}.img"
        personalise(image, target, files)
        print(f"{target} is the card of {bridge}. It contains secrets: delete it after writing it.")
        return 0
    # Check the device first, because unpacking and copying takes longer.
    device = writable_device(arguments.device, _card_bytes(image))
    confirm(device)
    with tempfile.TemporaryDirectory(prefix=".personalising-", dir=cache_dir()) as folder:
        card = Path(folder) / "card.img"
        personalise(image, card, files)
        write_card(card, device.path, _show)
    print(f"\n{device.path} is the card of {bridge}: take it out and put it into the Pi.")
    return 0


def _newest(folder: Path) -> Path:
    """Return the newest image in a folder.

    Raises:
        ImageError: there is none.
    """
    images = sorted(folder.glob("*.img.xz"), key=lambda path: path.stat().st_mtime)
    if not images:
        raise ImageError(
            f"{folder}/ has no image", "build one: make image; or name one with IMAGE="
        )
    return images[-1]


def _card_bytes(image: Path) -> int:
    """Return the capacity that a card needs.

    Raises:
        ImageError: the image is missing or damaged.
    """
    if not image.is_file():
        raise ImageError(f"IMAGE={image} does not exist", "build it first: make image")
    return (unpacked(image) if image.suffix == ".xz" else image).stat().st_size


def _show(step: str, done_bytes: int, total_bytes: int) -> None:
    mebibytes = total_bytes // 1024**2
    print(f"\r{step}: {done_bytes * 100 // total_bytes} % of {mebibytes} MiB ", end="", flush=True)
