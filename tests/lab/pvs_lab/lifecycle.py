"""Start labs, send them commands, and remove them completely."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pvs_lab import cgroup, guest_agent, guest_tools, host, image, login
from pvs_lab.errors import LabError
from pvs_lab.flashed_guest import Flashed
from pvs_lab.options import LabOptions, check_name
from pvs_lab.paths import PACKAGE_ROOT, RUN_DIR, agent_socket, card_dir, failed_dir, lab_dir
from pvs_lab.process import Process, wait_until
from pvs_lab.recipes import recipe

_END_TIMEOUT_SECONDS = 20

# Called with a line to show when a step takes long.
Report = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Lab:
    """A lab that is up or coming up.

    Attributes:
        release: Debian release of its bridge.
        backend: network backend of its bridge.
        radio: whether its bridge has a radio.
        process: the one whose end ends the lab; while the image is made, the one that makes it.
        card: file of the card that its bridge was given; nothing where the lab made one.
    """

    release: str
    backend: str
    radio: bool
    process: Process
    card: str = ""


def up(options: LabOptions, report: Report, *, wait: bool = True) -> None:
    """Bring a lab up and wait until its Pi answers.

    Args:
        options: the lab to bring up.
        report: told what takes time.
        wait: whether to wait for the Pi at all.

    Raises:
        LabError: this machine cannot run it, or a lab of that name is up.
    """
    host.check(radio=options.radio, flashed=options.card is not None)
    _take_name(options)
    try:
        made = _source(options, report)
        login.prepare(options.name, made.root if isinstance(made, image.Image) else None)
        _start_supervisor(options, made)
        if wait:
            wait_for_pi(options.name)
    except BaseException as error:
        # Ctrl-C included: a lab is up, or it does not exist.
        if isinstance(error, LabError):
            _keep_logs(options.name)
        _remove(options.name)
        raise


def _source(options: LabOptions, report: Report) -> image.Image | Flashed:
    """Return what the Pi boots."""
    if options.card is not None:
        return Flashed(options.card.resolve(), guest_tools.provide(report))
    wanted = recipe(
        options.release,
        options.backend,
        radio=options.radio,
        more_packages=options.more_packages,
    )
    return dataclasses.replace(image.provide(wanted, report), layers=options.layers)


def wait_for_pi(name: str) -> None:
    """Wait until a lab's Pi can be logged into; a flashed one, until it runs programs for the lab.

    Raises:
        LabError: it takes too long.
    """
    lab = describe(name)
    if lab.card:
        guest_agent.wait_for(agent_socket(name), lab_dir(name) / "log/bridge.log")
    else:
        login.wait_for(name, radio=lab.radio)


@contextlib.contextmanager
def _no_other_command() -> Iterator[None]:
    """Lock the names of labs against other commands; the lock leaves no file."""
    folder = os.open(RUN_DIR.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _take_name(options: LabOptions) -> None:
    """Create the lab's folder, which reserves its name.

    Raises:
        LabError: a lab of that name is up or coming up.
    """
    with _no_other_command():
        lab = _find(options.name)
        if lab is not None:
            raise LabError(
                f"the lab {options.name!r} is already up ({lab.release}, {lab.backend})",
                f"end it by 'make lab-down LAB={options.name}', or name another with LAB=...",
            )
        if lab_dir(options.name).exists():
            # Left by a killed run or a crash.
            _delete(options.name)
        shutil.rmtree(failed_dir(options.name), ignore_errors=True)
        RUN_DIR.mkdir(mode=0o755, exist_ok=True)
        lab_dir(options.name).mkdir(mode=0o700)
        _write(options, Process.of(os.getpid()))


def _keep_logs(name: str) -> None:
    """Save the logs of a lab that did not come up, before the lab is removed."""
    logs = lab_dir(name) / "log"
    if logs.exists():
        shutil.copytree(logs, failed_dir(name), dirs_exist_ok=True)


def _write(options: LabOptions, process: Process) -> None:
    """Record the lab, and the process whose end ends it."""
    card = "" if options.card is None else str(options.card.resolve())
    lab = Lab(options.release, options.backend, options.radio, process, card)
    target = lab_dir(options.name) / "lab.json"
    temporary = target.with_suffix(".new")
    temporary.write_text(json.dumps(dataclasses.asdict(lab)))
    temporary.rename(target)


def _start_supervisor(options: LabOptions, made: image.Image | Flashed) -> None:
    """Start the lab's first process and wait until it has built everything.

    Raises:
        LabError: it failed; why, in a line, and where its logs are kept, is in the message.
    """
    state = lab_dir(options.name)
    (state / "log").mkdir()
    log_path = state / "log/supervisor.log"
    if isinstance(made, Flashed):
        source = ["flashed", str(made.card), str(made.guest_tools), "[]"]
    else:
        kind = "radio" if options.radio else "container"
        layers = json.dumps([str(layer) for layer in made.layers])
        source = [kind, str(made.root), str(made.packages), layers]
    supervisor = [
        sys.executable, "-m", "pvs_lab.supervisor", options.name, *source,
        options.topology.to_json(), str(options.card_mib), *options.simulator_arguments,
    ]  # fmt: skip
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork",
             "--kill-child=KILL", "--mount-proc",
             sys.executable, "-m", "pvs_lab.cgroup", options.name, *supervisor],
            env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        _write(options, Process.of(process.pid))
        assert process.stdout is not None  # noqa: S101 - for the type checker: PIPE was asked for
        with process.stdout as output:
            answer = output.readline().decode().strip()
    except BaseException:
        # No other command knows the process yet.
        process.kill()
        raise
    if answer != "ready":
        why = answer or (log_path.read_text().splitlines() or ["it said nothing"])[-1]
        raise LabError(
            f"the lab did not start: {why}",
            f"change what this line names; the logs are kept in {failed_dir(options.name)}",
        )


def down(name: str) -> bool:
    """End a lab and remove all of it.

    Args:
        name: the lab's name; one that is not up is fine.

    Returns:
        whether there was a lab to remove.

    Raises:
        LabError: the name is not valid.
    """
    check_name(name)
    with contextlib.suppress(OSError):
        shutil.rmtree(failed_dir(name))
        failed_dir(name).parent.rmdir()
    if not lab_dir(name).exists():
        return False
    _remove(name)
    return True


def _remove(name: str) -> None:
    """Do as :func:`_delete` does, while no other command changes labs."""
    with _no_other_command():
        _delete(name)


def _delete(name: str) -> None:
    """End the processes of a lab, also an incomplete one, and delete its files."""
    lab = _find(name)
    if lab is not None and lab.process.pid != os.getpid():
        with contextlib.suppress(ProcessLookupError):
            os.kill(lab.process.pid, signal.SIGKILL)
        wait_until(lambda: not lab.process.alive(), _END_TIMEOUT_SECONDS)
    cgroup.remove(name)
    shutil.rmtree(card_dir(name), ignore_errors=True)
    shutil.rmtree(lab_dir(name), ignore_errors=True)
    # Other labs may be up; the folder around them stays.
    for folder in (card_dir(name).parent, RUN_DIR):
        with contextlib.suppress(OSError):
            folder.rmdir()


def running() -> list[str]:
    """Names of the labs that are up."""
    if not RUN_DIR.exists():
        return []
    return sorted(entry.name for entry in RUN_DIR.iterdir() if _find(entry.name))


def _find(name: str) -> Lab | None:
    """The lab of that name, None unless its process lives."""
    try:
        noted = json.loads((lab_dir(name) / "lab.json").read_text())
    except FileNotFoundError:
        return None
    except PermissionError:
        raise LabError(f"the lab {name!r} is root's", "use sudo make ...") from None
    noted["process"] = Process(**noted["process"])
    lab = Lab(**noted)
    return lab if lab.process.alive() else None


def describe(name: str) -> Lab:
    """A lab that is up.

    Raises:
        LabError: it is not.
    """
    check_name(name)
    lab = _find(name)
    if lab is None:
        raise LabError(f"the lab {name!r} is not up", f"bring it up by 'make lab-up LAB={name}'")
    return lab


def not_ready(name: str) -> LabError:
    """Return the error for a lab that runs but does not answer."""
    return LabError(
        f"the lab {name!r} is coming up or going down",
        "wait for the command that does so, or end the lab by 'make lab-down'",
    )


def command(name: str, *words: str) -> dict[str, Any]:
    """Send a command to a lab's supervisor and return its answer.

    Args:
        name: the lab's name.
        words: one of the supervisor's commands with its arguments.

    Raises:
        LabError: the lab is not up or the command failed.
    """
    describe(name)
    try:
        answer = _ask(name, json.dumps(words))
    except OSError:
        answer = ""
    if not answer:
        raise not_ready(name)
    reply = json.loads(answer)
    if "error" in reply:
        raise LabError(
            f"{' '.join(words)}: {reply['error']}", f"see the logs in {lab_dir(name)}/log"
        )
    return reply["result"] or {}


def _ask(name: str, line: str) -> str:
    """Send a line to a lab's supervisor and return the line that comes back."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(lab_dir(name) / "control"))
        with connection.makefile("rw") as stream:
            stream.write(f"{line}\n")
            stream.flush()
            return stream.readline()
