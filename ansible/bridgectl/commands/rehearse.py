"""Apply a bridge's configuration to a twin of its Pi in the lab.

The twin has the Pi's release and network backend, a simulated PVS with the same firmware, the
addresses of its home, and placeholders for its secrets. It is provisioned twice; the second run
must change nothing. Then it must be healthy. Finally, the differences to the last rehearsal are
shown, and those to the real bridge if it is reachable. The real bridge is not changed.
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

from bridgectl.errors import CannotWorkError
from bridgectl.rehearse import config_files
from bridgectl.rehearse.configuration import read
from bridgectl.rehearse.lab import TwinLab, lab_name
from bridgectl.rehearse.live import Bridge
from bridgectl.rehearse.record import Record, difference
from bridgectl.rehearse.system import Seen, System, choose
from bridgectl.rehearse.twin import Twin, make_twin
from pvs_lab import playbook
from pvs_lab.errors import LabError
from pvs_lab.options import LabOptions
from pvs_lab.steps import step


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None for those of the command line.

    Returns:
        the exit status.
    """
    # SIGTERM must remove the twin, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _rehearse(_parser().parse_args(arguments))
    except (CannotWorkError, LabError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the twin has been removed", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make rehearse", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--inventory", type=Path, default=Path("inventory/home"))
    parser.add_argument("--limit", default="", help="an Ansible pattern that selects one bridge")
    parser.add_argument("--release", default="", help="instead of the Pi's own")
    parser.add_argument("--backend", default="", help="instead of the Pi's own")
    parser.add_argument("--firmware", default="", help="instead of the PVS's own")
    parser.add_argument(
        "--live", choices=["yes", "no"], default="yes", help="connect to the real bridge too"
    )
    parser.add_argument("--keep", choices=["yes", "no"], default="no", help="keep the twin running")
    parser.add_argument("--as-root", default="", help="command prefix that runs a command as root")
    parser.add_argument("arguments", nargs="*", help="of ansible-playbook, for the twin")
    return parser


def _rehearse(chosen: argparse.Namespace) -> None:
    """Run all steps of a rehearsal.

    Raises:
        CannotWorkError: one of them has failed.
        LabError: the lab does not support an option.
    """
    started = time.monotonic()
    given = Seen(chosen.release or None, chosen.backend or None, _firmware(chosen.firmware))
    configuration = read(chosen.inventory, chosen.limit)
    name = configuration.bridge
    print(f"{name}, configured in {chosen.inventory}", flush=True)
    bridge = Bridge(chosen.inventory, name)
    record = Record(chosen.inventory, name)
    with record.locked(), tempfile.TemporaryDirectory(prefix="pvs-bridge-") as folder:
        live, silent = bridge.gather() if chosen.live == "yes" else (Seen(), "LIVE=no")
        if silent:
            print(f"  the real bridge is not used: {silent}", flush=True)
        backend = str(configuration.value("bridge_backend"))
        system = choose(given, live, record.seen(), backend)
        lab = lab_name(chosen.inventory, name)
        # Rejects unsupported options before anything is created.
        LabOptions(lab, system.release, system.backend)
        twin = make_twin(configuration)
        stage = TwinLab(lab, tuple(shlex.split(chosen.as_root)), Path(folder))
        print(f"  twin: {system}")
        for remark in twin.remarks:
            print(f"  {remark}")
        with _running(stage, twin, system, chosen.keep == "yes"):
            files = _provision_twice(stage, record, chosen.arguments)
            _check_health(stage, record)
            _show_difference(record, system, files)
            record.keep(system, files)
            if not silent:
                _show_live_difference(bridge)
    where = f"LIMIT={shlex.quote(name)}"
    if chosen.inventory != Path("inventory/home"):
        where = f"INVENTORY={shlex.quote(str(chosen.inventory))} {where}"
    print(
        f"\nThe rehearsal of {name} succeeded in {time.monotonic() - started:.0f} s. Next:\n\n"
        f"  make check {where}       show what would change on the real bridge\n"
        f"  make provision {where}   change the real bridge"
    )


def _firmware(text: str) -> int | None:
    """Parse the number of a firmware build; None if it is not set.

    Raises:
        CannotWorkError: it is not a number.
    """
    if text and not text.isdecimal():
        raise CannotWorkError(
            f"FIRMWARE must be the number of a build, got {text}", "use one such as FIRMWARE=61707"
        )
    return int(text) if text else None


@contextlib.contextmanager
def _running(stage: TwinLab, twin: Twin, system: System, keep: bool) -> Iterator[None]:
    """Keep the twin running during the ``with``, and afterwards if ``keep`` is set.

    Raises:
        CannotWorkError: it does not start.
    """
    try:
        with step(f"a simulated PVS, a home network and the twin ({twin.topology.bridge})") as say:
            stage.up(twin, system, say)
    except KeyboardInterrupt:
        stage.down()
        raise
    stays = keep
    try:
        yield
    except KeyboardInterrupt:
        # After Ctrl-C the twin is removed, even with KEEP=yes.
        stays = False
        raise
    finally:
        if stays:
            print(
                "\nthe twin keeps running (KEEP=yes):\n\n"
                f"  make lab-run LAB={stage.lab} HOST=bridge CMD=...   run a command\n"
                f"  {stage.remove}                       remove it",
                flush=True,
            )
        else:
            stage.down()


def _provision_twice(
    stage: TwinLab, record: Record, arguments: list[str]
) -> dict[str, config_files.File]:
    """Provision the twin twice.

    Returns:
        the files that the roles have changed.

    Raises:
        CannotWorkError: a run has failed, or the second one has changed something.
    """
    before = stage.files()
    print("first run: provision the twin", flush=True)
    stage.play("site", record.log("first-run"), *arguments)
    print("second run: must change nothing", flush=True)
    log = record.log("second-run")
    said = stage.play("site", log, *arguments)
    if playbook.changed_count(said):
        tasks = "\n".join(f"  {task}" for task in playbook.changed_tasks(said))
        raise CannotWorkError(
            f"the second run must change nothing, but it has changed:\n{tasks}",
            f"report this as a bug in pvs-bridge; the log is {log}",
        )
    return config_files.changes(before, stage.files(), stage.conffiles())


def _check_health(stage: TwinLab, record: Record) -> None:
    """Request DeviceList on the twin and from its home network.

    Raises:
        CannotWorkError: the twin is not healthy.
    """
    # The twin always has a PVS, even if health_required is false in the configuration.
    wanted = {"health_required": True, "health_show": "summary"}
    print("health check: request DeviceList on the twin and from its home network", flush=True)
    said = stage.play("health", record.log("health"), f"--extra-vars={json.dumps(wanted)}")
    for message in playbook.messages(said):
        print(f"  {message}", flush=True)


def _show_difference(record: Record, system: System, files: dict[str, config_files.File]) -> None:
    last = record.last()
    if last is None:
        print(f"this is the first rehearsal; its files are in {record.files}")
        return
    lines = difference(last.files, files)
    print(f"differences to the rehearsal of {last.when}:" + ("" if lines else " none"))
    old, new = (
        (each.release, each.backend, f"firmware {each.firmware}") for each in (last.system, system)
    )
    if old != new:
        print(f"  the last twin was {', '.join(old)}")
    if lines:
        print("\n".join(["", *lines, ""]), flush=True)


def _show_live_difference(bridge: Bridge) -> None:
    with step("differences to the real bridge, in check mode"):
        count, said = bridge.would_change()
    if count is None:
        print(f"  the check has failed:\n{said}")
    elif count:
        print(f"\n{said.strip()}\n")
    else:
        print("  none")
