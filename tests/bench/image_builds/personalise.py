"""Measure how long `make personalise` takes."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from pvs_image.paths import IMAGE, PROJECT
from pvs_image.personalise import unpacked
from pvs_image.programs import run

# The example that needs no secret from the environment.
_BRIDGE = "barn"
_RUNS = 3


def personalise_seconds(image: Path) -> float:
    """Measure `make personalise`, with the image already unpacked in the cache.

    Args:
        image: the .img.xz.

    Returns:
        the median of several runs, in seconds, because one busy moment does not affect it.

    Raises:
        ImageError: a run failed.
    """
    unpacked(image)
    with tempfile.TemporaryDirectory(prefix=".timing-", dir=image.parent) as folder:
        key = Path(folder) / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        cards = [Path(folder) / f"card-{number}.img" for number in range(_RUNS)]
        return statistics.median(_seconds(image, key.with_suffix(".pub"), card) for card in cards)


def _seconds(image: Path, key: Path, card: Path) -> float:
    started = time.monotonic()
    run(
        sys.executable, "-m", "pvs_image", "personalise",
        "--inventory", PROJECT / "inventory/example", "--limit", _BRIDGE, "--image", image,
        "--key", key, "--output", card,
        environment={"PYTHONPATH": str(IMAGE)},
    )  # fmt: skip
    return time.monotonic() - started
