"""Benchmark: build the card from nothing, after a change in a role, and unchanged."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from bench.image_builds.clones import Clone, make_clone
from bench.image_builds.personalise import personalise_seconds

from pvs_image import host_check, namespace
from pvs_image.build_inputs import source_date_epoch
from pvs_image.errors import ImageError
from pvs_image.paths import cache_dir

# Limits on two cores without other load.
_MAX_SECONDS = {"from nothing": 540, "a role changed": 180, "nothing changed": 10}
_MAX_UNPACKED_MIB = 1638
_MAX_PACKED_MIB = 450
_MAX_PERSONALISE_SECONDS = 5
_STAGES = ("native_tools", "base", "provisioned", "disk", "publish")
_ROLE = "roles/health/tasks/main.yml"


def main() -> int:
    """Build three times, and print a table.

    Returns:
        the exit status: 1 after an error.
    """
    try:
        epoch = source_date_epoch()
        host_check.check(cache_dir())
        namespace.enter(sys.argv[1:], program=(__file__,))
        cache_dir().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=cache_dir()) as folder:
            _measure(make_clone(Path(folder), "clone"), epoch)
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(clone: Clone, epoch: int) -> None:
    times = {"from nothing": _build_seconds(clone, epoch)}
    with (clone.folder / _ROLE).open("a") as role:
        role.write("# changed\n")
    times["a role changed"] = _build_seconds(clone, epoch)
    times["nothing changed"] = _build_seconds(clone, epoch)
    card = next(clone.stages.glob("disk-*.img"))
    packed = next(clone.output.glob("*.img.xz"))
    _print(times, card.stat().st_size, packed.stat().st_size)
    seconds = personalise_seconds(packed)
    print(f"personalise: {seconds:.1f} s, limit {_MAX_PERSONALISE_SECONDS} s")


def _build_seconds(clone: Clone, epoch: int) -> dict[str, float]:
    """Build, and return the seconds of each stage and of the whole build."""
    record = clone.stages / "seconds.json"
    record.unlink(missing_ok=True)
    started = time.monotonic()
    clone.build(epoch)
    total = time.monotonic() - started
    stages: dict[str, float] = json.loads(record.read_text()) if record.exists() else {}
    return {**stages, "total": total}


def _print(times: dict[str, dict[str, float]], unpacked_bytes: int, packed_bytes: int) -> None:
    print(f"\n{'seconds':<14}" + "".join(f"{name:>18}" for name in times))
    for stage in (*_STAGES, "total"):
        row = (f"{build[stage]:.0f}" if stage in build else "cached" for build in times.values())
        print(f"{stage:<14}" + "".join(f"{text:>18}" for text in row))
    print(f"{'limit':<14}" + "".join(f"{_MAX_SECONDS[name]:>18}" for name in times))
    for what, size, limit in (
        ("unpacked image", unpacked_bytes, _MAX_UNPACKED_MIB),
        ("packed image", packed_bytes, _MAX_PACKED_MIB),
    ):
        print(f"{what}: {size / 2**20:.0f} MiB, limit {limit} MiB")


if __name__ == "__main__":
    sys.exit(main())
