"""The card of a Pi: an image, and a layer above it for what belongs to this Pi."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

from pvs_lab.image import Image


def mount(image: Image, card: Path, root: Path, authorized_key: str) -> None:
    """Mount an empty layer over the image and its layers, and let the controller's key in.

    Args:
        image: the image to start from.
        card: folder for what is written, removed with the lab.
        root: where to mount.
        authorized_key: line for the user pi's ``authorized_keys``.
    """
    upper, work = card / "upper", card / "work"
    for folder in (upper, work, root):
        folder.mkdir(parents=True)
    below = ":".join(map(str, (*image.layers, image.root)))
    layers = f"lowerdir={below},upperdir={upper},workdir={work}"
    if not card.is_mount():
        # Tests do not wait for this machine's disk, unless the card is a disk of its own.
        layers += ",volatile"
    subprocess.run(["mount", "-t", "overlay", "card", "-o", layers, str(root)], check=True)
    keys = root / "home/pi/.ssh/authorized_keys"
    keys.write_text(authorized_key)
    os.chown(keys, 1000, 1000)
    keys.chmod(0o600)
    (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
