"""pvs-bridge notify: send the messages that are due, or a test message."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.config import FOLDER, ConfigError, NotifyConfig, read_config
from pvs_bridge.errors import Issue
from pvs_bridge.host.clock import wall_clock
from pvs_bridge.notify import events, sender
from pvs_bridge.notify.outbox import text_of
from pvs_bridge.notify.record import Message, Record, Store
from pvs_bridge.notify.sender import Target
from pvs_bridge.notify.snapshot import read_snapshot

URLS, SNAPSHOT = "notify.urls", "snapshot.json"
"""The names of the credentials of the unit."""

USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.check:
            return _check(options.check)
        file = options.folder / "notify.json"
        if not file.exists():
            print(
                "pvs-bridge notify: notifications are off. Hint: set notify_enabled and "
                "notify_urls, and provision the Pi",
                file=sys.stderr,
            )
            return USAGE
        config = read_config(file, NotifyConfig)
        return _test(options.folder, config) if options.test else _run(options.folder, config)
    except PermissionError as error:
        print(f"pvs-bridge notify: {error}. Hint: run it with sudo", file=sys.stderr)
    except ImportError:
        problem = "apprise is not installed. Hint: sudo apt-get install apprise"
        print(f"pvs-bridge notify: {problem}", file=sys.stderr)
    except (ConfigError, OSError, ValueError) as error:
        print(f"pvs-bridge notify: {error}", file=sys.stderr)
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge notify",
        description="Send the messages that are due, as the monitor starts it; with --test, send a "
        "test message to each URL and print the result, without the URL itself.",
        epilog="Exit status: 0 all was sent; 1 a test message was not sent, or a URL is wrong; 2 "
        "wrong usage or configuration.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="FOLDER",
        help="the folder of notify.json and notify.urls (default: %(default)s)",
    )
    parser.add_argument("--test", action="store_true", help="send a test message")
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="check the URLs in a file, and send nothing"
    )
    return parser


def _check(file: Path) -> int:
    issues = _load(file)[1]
    for issue in issues:
        print(issue, file=sys.stderr)
    return 1 if issues else 0


def _test(folder: Path, config: NotifyConfig) -> int:
    targets, issues = _load(folder / URLS)
    for issue in issues:
        print(issue)
    message = Message(
        events.TEST, "This is a test. The bridge can send messages.", "No action is needed."
    )
    text = text_of(message, Record(), config, time.time())
    failed = bool(issues) or not targets
    for target in targets:
        error = target.send(text, message.kind)
        print(f"{target.name}: {f'not sent: {error}' if error else 'sent'}", flush=True)
        failed = failed or error is not None
    return 1 if failed else 0


def _run(folder: Path, config: NotifyConfig) -> int:
    snapshot = read_snapshot(folder / SNAPSHOT)
    now, wall = time.clock_gettime(time.CLOCK_BOOTTIME), wall_clock()
    todo = sender.plan(config, snapshot, Store(), now, wall)
    targets, issues = _load(folder / URLS) if todo.due else ([], [])
    for issue in issues:
        print(issue)
    sender.run(config, todo, Store(), targets, wall, print)
    return 0


def _load(file: Path) -> tuple[Sequence[Target], list[Issue]]:
    # Here, because it imports apprise, which takes a Pi some seconds.
    from pvs_bridge.notify import delivery

    return delivery.load(delivery.read_urls(file))
