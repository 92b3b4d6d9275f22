"""pvs-bridge setup, edit, check, apply and restore: configure this Pi without a controller."""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pvs_bridge.backup import age, archive
from pvs_bridge.errors import IssueError
from pvs_bridge.host.overlay import Root
from pvs_bridge.setup import configuration, interfaces, playbook
from pvs_bridge.setup import restore as restoring

_CODENAMES = ("trixie",)
_CARD = Path("/usr/local/share/pvs-bridge/ansible/site.yml")
_INSTALLED = Path("/usr/local/bin/pvs-bridge")
_RUN = Path("/run")
_PREVIEW = ("--check", "--diff")


def setup(arguments: Sequence[str]) -> int:
    """Find the interfaces, show the changes and make this Pi a bridge."""
    parser = _parser("setup", "Make this Pi a bridge, or show what would change.")
    parser.add_argument(
        "--yes", action="store_true", help="ask no questions, and do not show the changes before"
    )
    return _run(parser.parse_args(arguments), _setup)


def edit(arguments: Sequence[str]) -> int:
    """Open the variables in an editor, and apply them if they are correct."""
    parser = _parser("edit", "Edit the variables of the bridge, check them and apply them.")
    return _run(parser.parse_args(arguments), _edit)


def check(arguments: Sequence[str]) -> int:
    """Show what apply would change."""
    parser = _parser("check", "Show what apply would change, and change nothing.")
    return _run(parser.parse_args(arguments), lambda _: _play(*_PREVIEW), changes=False)


def apply(arguments: Sequence[str]) -> int:
    """Apply the variables."""
    parser = _parser("apply", f"Apply the variables in {configuration.FILE}.")
    return _run(parser.parse_args(arguments), lambda _: _play())


def restore(arguments: Sequence[str]) -> int:
    """Make this Pi the bridge of a backup."""
    parser = _parser("restore", "Make this Pi the bridge of a backup.")
    parser.add_argument("file", type=Path, help="a file of pvs-bridge backup")
    parser.add_argument(
        "--identity", type=Path, metavar="KEY",
        help="the private key of a recipient; without it, the passphrase is asked for",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="ask no questions but the passphrase")
    return _run(parser.parse_args(arguments), _restore)


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"pvs-bridge {name}", description=description)


def _run(
    options: argparse.Namespace,
    command: Callable[[argparse.Namespace], int],
    *,
    changes: bool = True,
) -> int:
    """Run a command as root, and once at a time.

    Args:
        options: Of the command line.
        command: What to do.
        changes: Whether it writes to the root file system.

    Returns:
        the exit status: 0 done, 1 refused or failed, or that of ansible-playbook.
    """
    try:
        _check_system(changes=changes)
        _continue_with_package()
        with _locked():
            return command(options)
    except (IssueError, OSError) as error:
        print(f"pvs-bridge: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\npvs-bridge: interrupted", file=sys.stderr)
        return 1


def _check_system(*, changes: bool) -> None:
    if os.geteuid() != 0:
        raise IssueError("must be run as root", "write sudo before the command")
    if _CARD.exists():
        raise IssueError(
            "this Pi runs from the SD card of pvs-bridge",
            "edit pvs-bridge.yml on the boot partition, and restart the Pi; for a backup, write "
            "another card with make personalise FROM=FILE",
        )
    found = platform.freedesktop_os_release()
    if found.get("VERSION_CODENAME") not in _CODENAMES:
        raise IssueError(
            f"the system must be Debian 13 or Raspberry Pi OS Trixie, got {found['PRETTY_NAME']}",
            "install Raspberry Pi OS Trixie; or provision this Pi from another computer with "
            "make provision",
        )
    if changes and Root().locked:
        raise IssueError(
            "the root is locked, so the next restart would discard the change",
            "run sudo pvs-bridge overlay unlock, and this again after the restart",
        )


def _continue_with_package() -> None:
    """Become the program of the package, which may be newer than that of the last apply."""
    program = playbook.PROJECT / "roles/agent/files/pvs_bridge/__main__.py"
    if program.exists() and Path(sys.argv[0]).resolve() != program:
        os.execv(program, [str(program), *sys.argv[1:]])


@contextmanager
def _locked() -> Iterator[None]:
    with (_RUN / "pvs-bridge-setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IssueError("another setup of this Pi is running", "wait for its end") from None
        yield


def _setup(options: argparse.Namespace) -> int:
    file = configuration.FILE
    if file.exists():
        print(f"The variables are in {file}.", flush=True)
    elif _INSTALLED.exists():
        raise IssueError(
            "another computer has provisioned this bridge",
            f"provision it from there; or copy its variables to {file} and run sudo pvs-bridge "
            "setup again",
        )
    else:
        _describe(options)
    if options.yes:
        return _play()
    print("\nThese changes are planned:\n", flush=True)
    status = _play(*_PREVIEW)
    if status != 0:
        print(f"\nNothing was changed. The variables are in {file}: sudo pvs-bridge edit")
        return status
    if not _agrees("Apply these changes?"):
        print("Nothing was changed. To apply them later: sudo pvs-bridge apply")
        return 1
    return _play()


def _restore(options: argparse.Namespace) -> int:
    age.check_installed()
    backup = age.decrypt(options.file, options.identity, archive.read)
    new = restoring.variables(backup)
    print(f"Backup of {backup.host}, {backup.date}, pvs-bridge {backup.version or 'unknown'}:")
    for name in backup.files:
        print(f"  /{name}")
    if new is None:
        if not _INSTALLED.exists():
            raise IssueError(
                "the backup has no variables, because another computer had provisioned that bridge",
                "provision this Pi from there, and restore then",
            )
        print("It has no variables, so only the files above are restored.")
    file = configuration.FILE
    if _INSTALLED.exists() and new is not None and not (file.exists() and file.read_bytes() == new):
        print("This Pi is another bridge already. What it has is kept in *.before-restore~.")
    if not options.yes and not _agrees("Restore this backup?"):
        print("Nothing was changed.")
        return 1
    status = restoring.restore(backup, lambda host: _play(hostname=host))
    if status == 0:
        print(f"This Pi is the bridge {backup.host}.")
    else:
        print("The backup was not restored; the variables are as before.", file=sys.stderr)
    return status


def _describe(options: argparse.Namespace) -> None:
    """Write the first variables."""
    chosen = interfaces.choose(interfaces.read_interfaces())
    for name, title in (("uplink", "home network"), ("pvs_link", "PVS")):
        each = chosen[name]
        state = (", ".join(each.addresses) or "no address") if each.has_cable else "no cable"
        print(f"  {title:<13} {each.name}, {state}", flush=True)
    if not options.yes and not _agrees(f"Write these to {configuration.FILE}?"):
        raise IssueError(
            "nothing was changed",
            f"write {configuration.FILE} with uplink_interface and pvs_link_interface, and run "
            "setup again",
        )
    text = configuration.new_text(**chosen, has_keys=_has_keys())
    configuration.write(text, configuration.FILE)


def _edit(_: argparse.Namespace) -> int:
    """Edit a copy, so that the file has what was checked."""
    configuration.check(configuration.FILE)
    before = configuration.FILE.read_bytes()
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "sensible-editor"
    with tempfile.TemporaryDirectory(prefix="pvs-bridge-edit-", dir=_RUN) as folder:
        copy = Path(folder, configuration.FILE.name)
        configuration.write(before.decode(), copy)
        while True:
            if subprocess.run([*shlex.split(editor), str(copy)], check=False).returncode != 0:
                raise IssueError(f"the editor failed: {editor}", "set VISUAL to another editor")
            if copy.read_bytes() == before:
                print("Nothing was changed.")
                return 0
            if _is_correct(copy):
                break
            if not _agrees("Edit again?"):
                print("Nothing was changed.")
                return 1
        if not _agrees("Apply these changes?"):
            print("Nothing was changed.")
            return 1
        configuration.write(copy.read_text(encoding="utf-8"), configuration.FILE)
    return _play()


def _is_correct(file: Path) -> bool:
    try:
        configuration.check(file)
    except IssueError as error:
        print(f"pvs-bridge: {error}", file=sys.stderr)
        return False
    return playbook.run(_PREVIEW, file) == 0


def _play(*arguments: str, hostname: str = "") -> int:
    configuration.check(configuration.FILE)
    return playbook.run(arguments, configuration.FILE, hostname)


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        raise IssueError(
            f"no terminal to ask: {question}",
            "run this in a terminal, or with the option --yes",
        )
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _has_keys() -> bool:
    """Return whether a user can log in with an SSH key."""
    files = [Path("/root/.ssh/authorized_keys"), *Path("/home").glob("*/.ssh/authorized_keys")]
    return any(file.is_file() and file.stat().st_size > 0 for file in files)
