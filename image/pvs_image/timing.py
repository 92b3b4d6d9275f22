"""How long it takes to write a bridge's card, for the table of benchmarks."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from pvs_image.paths import IMAGE, PROJECT
from pvs_image.personalise import unpacked
from pvs_image.programs import run

# Of the examples, the one that needs no secret from the environment.
_BRIDGE = "barn"


def personalise_seconds(image: Path) -> float:
    """Measure `make personalise` as a person waits for it, with the image unpacked before.

    Args:
        image: the .img.xz.

    Raises:
        ImageError: it does not work.
    """
    unpacked(image)
    with tempfile.TemporaryDirectory(prefix=".timing-", dir=image.parent) as folder:
        key = Path(folder) / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        started = time.monotonic()
        run(
            sys.executable, "-m", "pvs_image", "personalise",
            "--inventory", PROJECT / "inventory/example", "--limit", _BRIDGE, "--image", image,
            "--key", f"{key}.pub", "--output", Path(folder) / "card.img",
            environment={"PYTHONPATH": str(IMAGE)},
        )  # fmt: skip
        return time.monotonic() - started
