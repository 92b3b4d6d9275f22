"""pvs-bridge boot-config: make the Pi what its SD card says, and report on the card how it went."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.boot_config import apply, overlay, playbook, report
from pvs_bridge.boot_config.boot_partition import FOLDER as BOOT
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="pvs-bridge boot-config",
        description="Make the Pi what the files on its SD card's FAT partition say.",
    )
    parser.add_argument(
        "what",
        choices=["apply", "report"],
        help="apply: before the network is up; report: when the system has started",
    )
    parser.add_argument(
        "--boot", type=Path, default=BOOT, metavar="FOLDER", help="default: %(default)s"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=report.WAY_HOME_SECONDS,
        metavar="SECONDS",
        help="how long the way home may take before an edited one is undone (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    partition, store = BootPartition(options.boot), Store()
    if options.what == "apply":
        if overlay.is_locked():
            # It is applied at the next start, which keeps it.
            if apply.is_due(partition, store):
                overlay.unlock()
            return 0
        try:
            if apply.apply(partition, store):
                apply.wake((store.read("applied") or {})["variables"])
        except OSError as error:
            print(f"error: the card's description cannot be stored: {error}", file=sys.stderr)
            print("  hint: a card that is full or locked takes no change", file=sys.stderr)
            apply.TROUBLE.write_text(
                f"The Pi could not store what this card says: {error.strerror or error}. What it "
                "was told before still counts.",
                encoding="utf-8",
            )
            return 1
    elif report.report(report.Reporter(partition, store, playbook.PROJECT), options.wait):
        subprocess.run(["systemctl", "reboot"], check=True)
    elif overlay.waits_for_lock() and not apply.is_due(partition, store):
        overlay.lock()
    return 0
