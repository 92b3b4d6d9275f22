"""pvs-bridge boot-config: apply the files on the boot partition, and report the result there."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.boot_config import (
    apply,
    first_connection,
    overlay,
    playbook,
    report,
    restored,
)
from pvs_bridge.boot_config.boot_partition import FOLDER, BootPartition
from pvs_bridge.boot_config.store import Store
from pvs_bridge.errors import IssueError
from pvs_bridge.host.overlay import Root, restart


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="pvs-bridge boot-config",
        description="Apply the configuration files on the boot partition.",
    )
    parser.add_argument(
        "what",
        choices=["apply", "report"],
        help="apply: before the network starts; report: after the system has started",
    )
    parser.add_argument(
        "--boot", type=Path, default=FOLDER, metavar="FOLDER", help="default: %(default)s"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=report.CONNECT_SECONDS,
        metavar="SECONDS",
        help="time to reach the home network before an edit is undone (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    partition, store, root = BootPartition(options.boot), Store(), Root()
    # A read-only partition is read as it is.
    with contextlib.suppress(OSError):
        partition.recover()
    if options.what == "apply":
        return _apply(partition, store, root, first_connection.connect)
    first_connection.finish(lambda: _apply(partition, store, root))
    reporter = report.Reporter(partition, store, playbook.PROJECT, root=root)
    if report.report(reporter, options.wait):
        restart()
    elif overlay.is_due(root) and not apply.is_due(partition, store):
        overlay.lock(root)
    return 0


def _apply(
    partition: BootPartition, store: Store, root: Root, connect: apply.Connect | None = None
) -> int:
    if root.locked:
        # A locked root would discard the changes; after the restart they are applied.
        if apply.is_due(partition, store):
            overlay.unlock(root)
        return 0
    try:
        restored.take_over(partition.folder)
    except IssueError as error:
        # The bridge works without it; the report shows the text.
        print(f"error: {error}", file=sys.stderr)
        apply.ERROR_FILE.write_text(f"The backup was not restored. {error}", encoding="utf-8")
    except OSError as error:
        # The next start tries again.
        print(f"error: the backup cannot be restored: {error}", file=sys.stderr)
        apply.ERROR_FILE.write_text(f"The backup was not restored: {error}", encoding="utf-8")
    try:
        variables = apply.apply(partition, store, root=root, connect=connect)
        if variables is not None:
            apply.activate(variables)
    except OSError as error:
        print(f"error: the configuration cannot be stored: {error}", file=sys.stderr)
        print("  hint: check whether the card is full, read-only or worn out", file=sys.stderr)
        apply.ERROR_FILE.write_text(
            "The Pi could not store the configuration on this boot partition: "
            f"{error.strerror or error}. The previous configuration is still active.",
            encoding="utf-8",
        )
        return 1
    return 0
