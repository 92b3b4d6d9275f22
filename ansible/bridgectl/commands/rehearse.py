"""Rehearse a bridge: its own description, applied to a twin of its Pi in the lab.

The twin has the Pi's release and network backend, a simulated PVS of its firmware, its home's
addresses, and stand-ins for its secrets. It is provisioned twice, and the second run must change
nothing; then it must be healthy. At last comes the difference to the last rehearsal, and to the
bridge itself where that answers. Nothing is changed on the bridge.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridgectl.rehearse import config_files, twin
from bridgectl.rehearse.description import read
from bridgectl.rehearse.lab import Stage, lab_name
from bridgectl.rehearse.live import Bridge
from bridgectl.rehearse.record import Record, difference
from bridgectl.rehearse.system import Seen, System, choose
from pvs_lab import playbook
from pvs_lab.errors import LabError
from pvs_lab.options import LabOptions
from pvs_lab.steps import step


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the command line where there are none.

    Returns:
        the exit status.
    """
    # Whoever ends this ends the twin too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _rehearse(_parser().parse_args(arguments))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the twin is gone", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make rehearse", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--inventory", type=Path, default=Path("inventory/home"))
    parser.add_argument("--limit", default="", help="the bridge; a pattern that fits one")
    parser.add_argument("--release", default="", help="instead of the Pi's")
    parser.add_argument("--backend", default="", help="instead of the Pi's")
    parser.add_argument("--firmware", default="", help="instead of the PVS's")
    parser.add_argument("--live", choices=["yes", "no"], default="yes", help="ask the bridge too")
    parser.add_argument("--keep", choices=["yes", "no"], default="no", help="leave the twin up")
    parser.add_argument("--as-root", default="", help="what runs a command as root, if not we")
    parser.add_argument("arguments", nargs="*", help="for ansible-playbook, on the twin")
    return parser


def _rehearse(chosen: argparse.Namespace) -> None:
    """Every step of a rehearsal.

    Raises:
        LabError: one of them failed.
    """
    started = time.monotonic()
    given = Seen(chosen.release or None, chosen.backend or None, _firmware(chosen.firmware))
    description = read(chosen.inventory, chosen.limit)
    name = description.bridge
    print(f"{name}, as {chosen.inventory} describes it", flush=True)
    bridge = Bridge(chosen.inventory, name)
    record = Record(chosen.inventory, name)
    with record.alone(), tempfile.TemporaryDirectory(prefix="pvs-bridge-") as folder:
        live, silent = bridge.look() if chosen.live == "yes" else (Seen(), "LIVE=no was said")
        if silent:
            print(f"  the bridge itself could not be asked: {silent}", flush=True)
        backend = str(description.value("bridge_backend"))
        system = choose(given, live, record.seen(), backend)
        lab = lab_name(chosen.inventory, name)
        # What no lab can be is said before anything is made.
        LabOptions(lab, system.release, system.backend)
        made = twin.make(description)
        stage = Stage(lab, tuple(shlex.split(chosen.as_root)), Path(folder))
        print(f"  its twin: {system}")
        for remark in made.remarks:
            print(f"  {remark}")
        with _up(stage, made, system, chosen.keep == "yes"):
            files = _provisioned_twice(stage, record, chosen.arguments)
            _healthy(stage, record)
            _show_difference(record, system, files)
            record.keep(system, files)
            if not silent:
                _show_what_the_bridge_would_get(bridge)
    where = f"LIMIT={shlex.quote(name)}"
    if chosen.inventory != Path("inventory/home"):
        where = f"INVENTORY={shlex.quote(str(chosen.inventory))} {where}"
    print(
        f"\n{name} is rehearsed, in {time.monotonic() - started:.0f} s. For the bridge itself:\n\n"
        f"  make check {where}       what would change\n"
        f"  make provision {where}   change it"
    )


def _firmware(text: str) -> int | None:
    """Read a build's number; None where none is given.

    Raises:
        LabError: it is no number.
    """
    if text and not text.isdecimal():
        raise LabError(f"FIRMWARE={text} is no build", "write its number, such as FIRMWARE=61707")
    return int(text) if text else None


@contextlib.contextmanager
def _up(stage: Stage, made: twin.Twin, system: System, keep: bool) -> Iterator[None]:
    """Have the twin up as long as a ``with`` lasts, or longer if that is asked for.

    Raises:
        LabError: it does not come up.
    """
    try:
        with step(f"a simulated PVS, a home network and the twin ({made.place.bridge})") as say:
            stage.up(made, system, say)
    except KeyboardInterrupt:
        stage.down()
        raise
    stays = keep
    try:
        yield
    except KeyboardInterrupt:
        # Whoever interrupts wants an end of it.
        stays = False
        raise
    finally:
        if stays:
            print(
                "\nthe twin stays, as you asked (KEEP=yes):\n\n"
                f"  make lab-run LAB={stage.lab} HOST=bridge CMD=...   look at it\n"
                f"  {stage.remove}                       remove it",
                flush=True,
            )
        else:
            stage.down()


def _provisioned_twice(
    stage: Stage, record: Record, arguments: list[str]
) -> dict[str, config_files.File]:
    """Provision the twin, and once more.

    Returns:
        what that has put on its card.

    Raises:
        LabError: a run failed, or the second one has changed something.
    """
    before = stage.files()
    print("the first run makes it what the description says", flush=True)
    stage.play("site", record.log("first-run"), *arguments)
    print("the second run changes nothing", flush=True)
    log = record.log("second-run")
    said = stage.play("site", log, *arguments)
    if playbook.changed_count(said):
        tasks = "\n".join(f"  {task}" for task in playbook.changed_tasks(said))
        raise LabError(
            f"the second run has changed something all the same:\n{tasks}",
            f"a run of a bridge that is as it should be changes nothing; its log is {log}",
        )
    return config_files.changes(before, stage.files(), stage.conffiles())


def _healthy(stage: Stage, record: Record) -> None:
    """Have the home ask the twin for DeviceList.

    Raises:
        LabError: there is no good answer.
    """
    # Whatever the description forgives a bridge that waits for its PVS: the twin has one.
    wanted = {"health_required": True, "health_show": "summary"}
    print("the health check asks for DeviceList, on the twin and from its home", flush=True)
    said = stage.play("health", record.log("health"), f"--extra-vars={json.dumps(wanted)}")
    for message in playbook.messages(said):
        print(f"  {message}", flush=True)


def _show_difference(record: Record, system: System, files: dict[str, config_files.File]) -> None:
    last = record.last()
    if last is None:
        print(f"nothing to compare with: the first rehearsal; its files are in {record.files}")
        return
    lines = difference(last.files, files)
    print(f"the difference to the rehearsal of {last.when}:" + ("" if lines else " none"))
    old, new = (
        (each.release, each.backend, f"firmware {each.firmware}") for each in (last.system, system)
    )
    if old != new:
        print(f"  then it was {', '.join(old)}")
    if lines:
        print("\n".join(["", *lines, ""]), flush=True)


def _show_what_the_bridge_would_get(bridge: Bridge) -> None:
    with step("the difference to the bridge itself, on which nothing is changed"):
        count, said = bridge.would_change()
    if count is None:
        print(f"  it could not be found out:\n{said}")
    elif count:
        print(f"\n{said.strip()}\n")
    else:
        print("  none")
