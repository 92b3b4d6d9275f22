"""Time a build from nothing, after a change in a role and with none; and a bridge's card."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from pvs_image import host, namespace
from pvs_image.copies import Copy, make_copy
from pvs_image.paths import cache_dir
from pvs_image.recipe import source_date_epoch
from pvs_image.timing import personalise_seconds

# What is wanted of two cores that have nothing else to do.
_WANTED_SECONDS = {"from nothing": 540, "a role changed": 180, "nothing changed": 10}
_WANTED_UNPACKED_MIB = 1638
_WANTED_PACKED_MIB = 450
_WANTED_PERSONALISE_SECONDS = 5
_STAGES = ("tools", "base", "provisioned", "disk", "publish")
_ROLE = "roles/health/tasks/main.yml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may be asked for: nothing."""
    del parser


def run(chosen: argparse.Namespace) -> int:
    """Build three times, and print a table.

    Raises:
        ImageError: it cannot be built.
    """
    del chosen
    epoch = source_date_epoch()
    host.check(cache_dir())
    namespace.enter(sys.argv[1:])
    cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=cache_dir()) as folder:
        copy = make_copy(Path(folder), "timed")
        times = {"from nothing": _timed(copy, epoch)}
        with (copy.folder / _ROLE).open("a") as role:
            role.write("# changed\n")
        times["a role changed"] = _timed(copy, epoch)
        times["nothing changed"] = _timed(copy, epoch)
        card = next((copy.cache / "pvs-bridge/image").glob("disk-*.img"))
        packed = next(copy.output.glob("*.img.xz"))
        _print(times, card.stat().st_size, packed.stat().st_size)
        seconds = personalise_seconds(packed)
        print(f"personalise: {seconds:.1f} s, wanted at most {_WANTED_PERSONALISE_SECONDS} s")
    return 0


def _timed(copy: Copy, epoch: int) -> dict[str, float]:
    """Build, and return the seconds of each stage and of all."""
    memory = copy.cache / "pvs-bridge/image/seconds.json"
    memory.unlink(missing_ok=True)
    started = time.monotonic()
    copy.build(epoch)
    whole = time.monotonic() - started
    stages: dict[str, float] = json.loads(memory.read_text()) if memory.exists() else {}
    return {**stages, "all": whole}


def _print(times: dict[str, dict[str, float]], unpacked_bytes: int, packed_bytes: int) -> None:
    print(f"\n{'seconds':<14}" + "".join(f"{name:>18}" for name in times))
    for stage in (*_STAGES, "all"):
        row = (f"{each[stage]:.0f}" if stage in each else "kept" for each in times.values())
        print(f"{stage:<14}" + "".join(f"{text:>18}" for text in row))
    print(f"{'wanted':<14}" + "".join(f"{_WANTED_SECONDS[name]:>18}" for name in times))
    for what, size, wanted in (
        ("card, unpacked", unpacked_bytes, _WANTED_UNPACKED_MIB),
        ("card, packed", packed_bytes, _WANTED_PACKED_MIB),
    ):
        print(f"{what}: {size / 2**20:.0f} MiB, wanted at most {wanted} MiB")
