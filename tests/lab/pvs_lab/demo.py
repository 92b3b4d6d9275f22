"""``make demo``: from nothing to DeviceList through a bridge, each step with its time."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from pvs_lab import enter, lifecycle, playbook
from pvs_lab.errors import LabError
from pvs_lab.options import DEFAULT_BACKEND, LabOptions, split_simulator_options
from pvs_lab.paths import PACKAGE_ROOT, cache_dir
from pvs_lab.steps import step

NAME = "demo"
_PROJECT = PACKAGE_ROOT.parents[1]
_AGENT = _PROJECT / "roles/agent/files/pvs_bridge/__main__.py"
_DEVICE_LIST = "http://bridge/cgi-bin/dl_cgi?Command=DeviceList"
# The last line is who has made the answer.
_CURL = ("curl", "--fail", "--silent", "--write-out", "\n%header{via}")


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
                    chosen.backend or DEFAULT_BACKEND,
                    # At night the panels would produce nothing.
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
    with step(f"a simulated PVS, a home network and a Pi ({options.release})") as say:
        lifecycle.up(options, say)
    _provision()
    with step("DeviceList, asked from the home network through the bridge"):
        answer = enter.run(NAME, "client", [*_CURL, _DEVICE_LIST])
    if answer.returncode:
        raise LabError(
            f"the bridge did not answer (curl's status {answer.returncode})",
            "ask the chain: make lab-run LAB=demo HOST=bridge CMD='pvs-bridge health'",
        )
    body, _, maker = answer.stdout.rpartition("\n")
    if maker.endswith("-compat"):
        print("the PVS's firmware has closed it: the bridge has made it out of the newer interface")
    print(flush=True)
    subprocess.run(
        [sys.executable, str(_AGENT), "health", "--devices", "-"], input=body, text=True, check=True
    )
    print(
        f"\nAll of it took {time.monotonic() - started:.0f} s. The demo runs until you end it:\n\n"
        "  make lab-run LAB=demo CMD='curl -s \"http://bridge/cgi-bin/dl_cgi?Command=DeviceList\"'\n"
        "  make lab-run LAB=demo HOST=bridge CMD='pvs-bridge health'   the chain, link by link\n"
        "  make demo-down                                            remove it\n"
        "  make init NAME=garage                                     begin with a Pi of your own"
    )


def _log() -> Path:
    """Where the playbook's output is, until it has ended well or the demo is removed."""
    return cache_dir() / "demo-provision.log"


def _provision() -> None:
    """Run the playbook and print one line per role.

    Raises:
        LabError: the playbook failed; the lines that say why are in the message.
    """
    log = _log()
    print("the Pi becomes a bridge: ansible-playbook -i inventory/lab ansible/site.yml", flush=True)
    command = [str(playbook.PROGRAM), "-i", "inventory/lab", "ansible/site.yml"]
    if playbook.play(command, _PROJECT, {**os.environ, "LAB": NAME}, log):
        raise LabError(
            f"the playbook failed:\n{playbook.telling_part(log.read_text())}",
            f"the whole log is {log}; the Pi is still there: make lab-run LAB=demo HOST=bridge ...",
        )
    log.unlink()


if __name__ == "__main__":
    sys.exit(main())
