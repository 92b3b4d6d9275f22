"""Write a bridge's configuration into a copy of the image, or onto a card."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bridgectl.errors import CannotWorkError
from bridgectl.inventory import passwords
from pvs_image.block_device import confirm, writable_device
from pvs_image.card_backup import STATE_FILE, read_backup
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
    parser.add_argument(
        "--from", type=Path, dest="backup", metavar="BACKUP", help="a backup, instead of a bridge"
    )
    parser.add_argument("--identity", type=Path, help="the private key that opens the backup")
    passwords.add_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the copy or the card.

    Raises:
        ImageError: the configuration has mistakes, or a file is missing.
    """
    bridge, files = _from_backup(arguments) if arguments.backup else _from_inventory(arguments)
    image = arguments.image or _newest(BUILD)
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


def _from_inventory(arguments: argparse.Namespace) -> tuple[str, dict[str, str | bytes]]:
    """Return the name of a bridge in the inventory, and the files of its card."""
    # Imported here because loading Ansible takes half a second, which other commands need not wait.
    from pvs_image.inventory_reader import read_configuration

    try:
        known = passwords.passwords(arguments)
    except CannotWorkError as error:
        raise ImageError(error.issue.located_problem, error.issue.hint) from None
    configuration = read_configuration(arguments.inventory, arguments.limit, known)
    files: dict[str, str | bytes] = {
        CONFIGURATION_FILE: configuration.as_yaml(),
        KEYS_FILE: authorized_keys(arguments.key, Path.home()),
    }
    if configuration.user != DEFAULT_USER:
        # An exclamation mark instead of a hash: no password is right.
        files[USER_FILE] = f"{configuration.user}:!\n"
    return configuration.bridge, files


def _from_backup(arguments: argparse.Namespace) -> tuple[str, dict[str, str | bytes]]:
    """Return the name of the bridge of a backup, and the files of its new card."""
    backup = read_backup(arguments.backup, arguments.identity)
    user, configuration = backup.login, backup.configuration
    keys = "".join(f"{key}\n" for key in user.keys)
    if arguments.key or not keys:
        keys += authorized_keys(arguments.key, Path.home())
    files: dict[str, str | bytes] = {
        CONFIGURATION_FILE: configuration.as_yaml(),
        KEYS_FILE: keys,
        STATE_FILE: backup.state,
    }
    if configuration.user != DEFAULT_USER or user.password_hash:
        files[USER_FILE] = f"{configuration.user}:{user.password_hash or '!'}\n"
    if configuration.variables.get("uplink_type") == "none":
        print(
            "The bridge has its connection to the home network from elsewhere (uplink_type: none), "
            f"so the card has none: write it into {CONFIGURATION_FILE} on the card."
        )
    return configuration.bridge, files


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
