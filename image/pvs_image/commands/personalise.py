"""Write a bridge's description into a copy of the image, or onto a card."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from pvs_image.device import confirm, writable_device
from pvs_image.errors import ImageError
from pvs_image.keys import authorized_keys
from pvs_image.paths import PROJECT, cache_dir
from pvs_image.personalise import personalise, unpacked
from pvs_image.writing import write_card

BUILD = Path("build")
# As the role card reads them.
DESCRIPTION = "pvs-bridge.yml"
KEYS = "authorized_keys"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may be asked for."""
    parser.add_argument("--inventory", type=Path, default=Path("inventory/home"))
    parser.add_argument("--limit", default="", help="the bridge, a pattern of Ansible's")
    parser.add_argument("--image", type=Path, help="the .img or .img.xz; the newest in build/")
    parser.add_argument("--output", type=Path, help="the copy; build/pvs-bridge-NAME.img")
    parser.add_argument("--device", type=Path, help="a card to write it to, such as /dev/sdb")
    parser.add_argument(
        "--key", type=Path, action="append", default=[], help="a public key; all of ~/.ssh"
    )
    parser.add_argument(
        "--vault-password-file",
        type=Path,
        action="append",
        default=[Path(each) for each in [os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE")] if each],
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it.

    Raises:
        ImageError: there is a mistake in the description, or something is missing.
    """
    # Read as `make validate` reads it. Ansible takes half a second to load: not for other commands.
    sys.path[:0] = [str(PROJECT / "ansible"), str(PROJECT / "ansible/collections")]
    from pvs_image.describe import describe

    found = describe(arguments.inventory, arguments.limit, arguments.vault_password_file)
    image = arguments.image or _newest(BUILD)
    files = {
        DESCRIPTION: found.as_yaml(),
        KEYS: authorized_keys(arguments.key, Path.home()),
    }
    if arguments.device is None:
        target = arguments.output or BUILD / f"pvs-bridge-{found.bridge}.img"
        personalise(image, target, files)
        print(f"{target} is {found.bridge}'s card. It holds secrets: delete it once it is written.")
        return 0
    # What may not be written is known before anything is unpacked or copied.
    device = writable_device(arguments.device, _card_bytes(image))
    confirm(device)
    with tempfile.TemporaryDirectory(prefix=".personalising-", dir=cache_dir()) as folder:
        card = Path(folder) / "card.img"
        personalise(image, card, files)
        write_card(card, device.path, _show)
    print(f"\n{device.path} is {found.bridge}'s card: take it out, and put it into the Pi.")
    return 0


def _newest(folder: Path) -> Path:
    """Find the image that was built last.

    Raises:
        ImageError: none was.
    """
    images = sorted(folder.glob("*.img.xz"), key=lambda each: each.stat().st_mtime)
    if not images:
        raise ImageError(
            f"there is no image in {folder}/", "build one: make image; or name one by IMAGE="
        )
    return images[-1]


def _card_bytes(image: Path) -> int:
    """How large a card has to be.

    Raises:
        ImageError: the image is missing or damaged.
    """
    if not image.is_file():
        raise ImageError(f"IMAGE={image} does not exist", "build it first: make image")
    return (unpacked(image) if image.suffix == ".xz" else image).stat().st_size


def _show(what: str, done_bytes: int, total_bytes: int) -> None:
    mebibytes = total_bytes // 1024**2
    print(f"\r{what}: {done_bytes * 100 // total_bytes} % of {mebibytes} MiB ", end="", flush=True)
