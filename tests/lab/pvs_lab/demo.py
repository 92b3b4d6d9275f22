"""``make demo``: from nothing to DeviceList through a bridge, each step with its time."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pvs_lab import enter, lifecycle
from pvs_lab.errors import LabError
from pvs_lab.options import LabOptions, default_backend, split_simulator_options
from pvs_lab.paths import PACKAGE_ROOT, cache_dir

NAME = "demo"
_PROJECT = PACKAGE_ROOT.parents[1]
_HEALTH = _PROJECT / "roles/health/files/usr/local/lib/pvs-bridge/pvs_bridge_health"
_DEVICE_LIST = "http://bridge/cgi-bin/dl_cgi?Command=DeviceList"
# As ansible-playbook prints them: TASK [pvs_link : Keep the two networks apart] ****
_TASK = re.compile(r"(?P<kind>TASK|RUNNING HANDLER) \[(?P<role>\w+) : (?P<name>.*?)\] \*")
_HANDLERS = "changes take effect"


def main() -> int:
    """Run the demo, or remove it, and return the exit status."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--release", default="trixie")
    parser.add_argument("--backend", default="")
    parser.add_argument("--simulator", default="")
    chosen = parser.parse_args()
    try:
        if chosen.action == "down":
            _log().unlink(missing_ok=True)
            print("the demo is gone" if lifecycle.down(NAME) else "there was no demo")
        else:
            _show(
                LabOptions(
                    NAME,
                    chosen.release,
                    chosen.backend or default_backend(chosen.release),
                    # Night would show sleeping panels to half of the world.
                    ("--daylight", *split_simulator_options(chosen.simulator)),
                )
            )
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        lifecycle.down(NAME)
        print("\ninterrupted; the demo is gone", file=sys.stderr)
        return 130
    return 0


def _show(options: LabOptions) -> None:
    """Every step of the demo.

    Raises:
        LabError: one of them failed.
    """
    started = time.monotonic()
    lifecycle.down(NAME)
    with _step(f"a simulated PVS, a home network and a Pi ({options.release})") as say:
        lifecycle.up(options, say)
    _provision()
    with _step("DeviceList, asked from the home network through the bridge"):
        answer = enter.run(NAME, "client", ["curl", "--fail", "--silent", _DEVICE_LIST])
    if answer.returncode:
        raise LabError(
            f"the bridge did not answer (curl's status {answer.returncode})",
            "ask the chain: make lab-run LAB=demo HOST=bridge CMD=pvs-bridge-health",
        )
    print(flush=True)
    subprocess.run(
        [sys.executable, str(_HEALTH), "--devices", "-"], input=answer.stdout, text=True, check=True
    )
    print(
        f"\nAll of it took {time.monotonic() - started:.0f} s. The demo runs until you end it:\n\n"
        "  make lab-run LAB=demo CMD='curl -s \"http://bridge/cgi-bin/dl_cgi?Command=DeviceList\"'\n"
        "  make lab-run LAB=demo HOST=bridge CMD=pvs-bridge-health   the chain, link by link\n"
        "  make demo-down                                            remove it\n"
        "  make init NAME=garage                                     begin with a Pi of your own"
    )


@contextlib.contextmanager
def _step(title: str) -> Iterator[lifecycle.Report]:
    """Print a step and, behind it, how long it took."""
    started = time.monotonic()
    print(f"{title} ...", flush=True)
    yield lambda line: print(f"  {line}", flush=True)
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)


def _log() -> Path:
    """Where the playbook's output is, until it has ended well or the demo is removed."""
    return cache_dir() / "demo-provision.log"


def _provision() -> None:
    """Run the playbook and print one line per role.

    Raises:
        LabError: the playbook failed; its last lines are in the message.
    """
    log = _log()
    print("the Pi becomes a bridge: ansible-playbook -i inventory/lab ansible/site.yml", flush=True)
    program = Path(sys.executable).with_name("ansible-playbook")
    process = subprocess.Popen(
        [str(program), "-i", "inventory/lab", "ansible/site.yml"],
        cwd=_PROJECT,
        env={
            **os.environ,
            "LAB": NAME,
            "ANSIBLE_NOCOLOR": "1",
            # Has a task named when it begins; otherwise it is named when its first result is there.
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker: PIPE was asked for
    step, since = "ansible starts", time.monotonic()
    with log.open("w") as output:
        for line in process.stdout:
            output.write(line)
            task = _TASK.match(line)
            if task and (found := _step_of(task)) != step:
                _print_step(step, time.monotonic() - since)
                step, since = found, time.monotonic()
    _print_step(step, time.monotonic() - since)
    if process.wait():
        lines = log.read_text().splitlines()
        raise LabError(
            "\n".join(["the playbook failed:", *lines[-40:]]),
            f"the whole log is {log}; the Pi is still there: make lab-run LAB=demo HOST=bridge ...",
        )
    log.unlink()


def _step_of(task: re.Match[str]) -> str:
    """Name the step that a task belongs to: its role, with two exceptions."""
    if task["kind"] != "TASK":
        return _HANDLERS
    return "install packages" if task["name"] == "Install packages" else task["role"]


def _print_step(step: str, seconds: float) -> None:
    print(f"  {step:20} {seconds:5.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
