"""pvs-bridge backup: write configuration, secrets and history into one encrypted file."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.backup import age, archive, contents
from pvs_bridge.errors import IssueError, Location
from pvs_bridge.host.overlay import Root
from pvs_bridge.host.version import version

_ROOT = Path("/")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        _backup(options)
    except (IssueError, OSError) as error:
        print(f"pvs-bridge: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\npvs-bridge: interrupted", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge backup",
        description="Write configuration, secrets and history into one encrypted file. "
        "Without a recipient, a passphrase is asked for.",
    )
    parser.add_argument("file", help="the new file; - for the standard output")
    parser.add_argument(
        "--recipient", action="append", default=[], metavar="KEY",
        help="encrypt for a public key: age1... or ssh-ed25519 ...",
    )  # fmt: skip
    parser.add_argument(
        "--recipients-file", type=Path, metavar="FILE", help="public keys, a line each"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    return parser


def _backup(options: argparse.Namespace) -> None:
    if os.geteuid() != 0:
        raise IssueError("must be run as root", "write sudo before the command")
    age.check_installed()
    to_stdout = options.file == "-"
    file = Path(options.file)
    if to_stdout:
        if sys.stdout.isatty():
            raise IssueError("a terminal cannot show a backup", "redirect the output to a file")
    else:
        _check_target(file, force=options.force)
    files = contents.collect(_ROOT)
    if not files:
        raise IssueError("this Pi has nothing of a bridge", "run this on a bridge")
    backup = archive.Backup(
        host=socket.gethostname().partition(".")[0],
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version(),
        files=files,
    )
    recipients = [word for each in options.recipient for word in ("--recipient", each)]
    if options.recipients_file:
        recipients += ["--recipients-file", str(options.recipients_file)]
    write = partial(archive.write, backup)
    if to_stdout:
        age.encrypt(recipients, sys.stdout.buffer, write)
    else:
        try:
            with atomic.replacing(file) as out:
                age.encrypt(recipients, out, write)
        finally:
            with contextlib.suppress(OSError):
                file.with_name(file.name + atomic.NEW).unlink()
    print(f"Backup of {backup.host}, files: {len(files)}", file=sys.stderr)
    if not {contents.VARIABLES, contents.CARD_VARIABLES} & files.keys():
        print(
            "It has no variables, because another computer has provisioned this bridge: keep that "
            "computer's inventory too.",
            file=sys.stderr,
        )


def _check_target(file: Path, *, force: bool) -> None:
    place = Location(str(file))
    if not file.parent.is_dir():
        raise IssueError("its folder does not exist", "name a file in another folder", place)
    if file.exists() and not (force and file.is_file()):
        raise IssueError("exists already", "name another file, or add --force", place)
    if Root().locked and file.parent.stat().st_dev == _ROOT.stat().st_dev:
        raise IssueError(
            "the root is locked, so the next restart would discard the file",
            "name a file on a USB drive; or fetch it with ssh PI sudo pvs-bridge backup "
            "--recipient KEY - > FILE",
            place,
        )
