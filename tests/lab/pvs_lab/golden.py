"""Golden bridges: what ``ansible/site.yml`` leaves on a Pi, kept as a layer over the Pi's image.

Tests whose subject is not provisioning start from one, and their Pi boots in seconds. A golden
bridge is made once for each state of the roles; a bridge with other variables is one more layer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pvs_lab import enter, image, lifecycle
from pvs_lab.errors import LabError
from pvs_lab.options import LabOptions
from pvs_lab.paths import PACKAGE_ROOT, cache_dir, card_dir
from pvs_lab.playbook import PROGRAM, telling_part
from pvs_lab.process import wait_until
from pvs_lab.recipes import recipe

# Increase it when the code below changes the result of the same roles.
_VERSION = 2
_PROJECT = PACKAGE_ROOT.parents[1]
# Everything that decides what provisioning leaves on the Pi.
_SOURCES = ("ansible.cfg", "ansible/collections", "ansible/site.yml", "inventory/lab", "roles")
# The home's name server knows the Pi by this name, whatever the lab is called.
_VARIABLES = {"uplink_hostname": "bridge"}
# Each Pi makes these itself: keys of its login, leases, what it has logged, the devices of its PVS.
_PRIVATE = (
    "var/lib/pvs-bridge-monitor/known.json", "var/lib/private/pvs-bridge-compat/known.json",
    "etc/machine-id", "home/pi/.ssh/authorized_keys", "var/lib/NetworkManager/*lease*",
    "var/lib/dhcpcd/*", "var/lib/systemd/random-seed", "var/log/journal/*",
)  # fmt: skip
_SHUTDOWN_TIMEOUT_SECONDS = 60
_PROVISIONING_TIMEOUT_SECONDS = 900
# A layer that was not used for so long belongs to roles that have changed since.
_KEEP_SECONDS = 24 * 3600


def provide(
    options: LabOptions, variables: Mapping[str, Any], report: lifecycle.Report
) -> tuple[Path, ...]:
    """Return the layers of a golden bridge, provisioning it when the cache lacks it.

    Args:
        options: the lab that will boot it; its release, backend and packages choose the image.
        variables: of the roles, where they differ from those of ``inventory/lab``.
        report: called with a line to show when something takes time.

    Returns:
        folders to mount over the image, the topmost first.

    Raises:
        LabError: the lab's Pi does not boot from the lab's image, or the playbook failed.
    """
    if options.radio:
        raise LabError(
            "a golden bridge must boot as a container, got a Pi with a radio",
            "leave out --provisioned, and run ansible/site.yml on the lab",
        )
    below = provide(options, {}, report) if variables else ()
    wanted = recipe(options.release, options.backend, more_packages=options.more_packages)
    base = image.provide(wanted, report).root.parent.name
    folder = cache_dir() / "golden"
    folder.mkdir(parents=True, exist_ok=True)
    digest = _digest(base, variables)
    layer = folder / f"{base}-{digest}"
    with image.locked(folder / f"{layer.name}.lock"):
        if not layer.exists():
            _delete_unused(folder)
            started = time.monotonic()
            report(f"provisioning a golden bridge ({options.release}, {options.backend})")
            with _built(_lab(options, f"golden-{digest}", below), variables, layer, report) as root:
                if _digest(base, variables) != digest:
                    raise LabError(
                        "the roles have changed while the golden bridge was provisioned",
                        "run the command again",
                    )
                root.rename(layer)
            report(f"golden bridge cached in {time.monotonic() - started:.0f} s")
        os.utime(layer)
    return (layer, *below)


def _digest(base: str, variables: Mapping[str, Any]) -> str:
    """Return what tells this golden bridge from others."""
    found = hashlib.sha256(json.dumps([_VERSION, base, variables], sort_keys=True).encode())
    for path in _source_files():
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        head = [str(path.relative_to(_PROJECT)), path.lstat().st_mode, len(content)]
        found.update(json.dumps(head).encode() + content)
    return found.hexdigest()[:12]


def _source_files() -> Iterator[Path]:
    """Find the files that the playbook may read."""
    for source in _SOURCES:
        path = _PROJECT / source
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            is_file = each.is_symlink() or each.is_file()
            if is_file and "__pycache__" not in each.parts and each.name != "README.md":
                yield each


def _lab(options: LabOptions, name: str, below: tuple[Path, ...]) -> LabOptions:
    """Return the lab in which the golden bridge is provisioned."""
    return LabOptions(
        name=name,
        release=options.release,
        backend=options.backend,
        simulator_arguments=("--latency-seconds", "0", "--daylight"),
        more_packages=options.more_packages,
        layers=below,
    )


@contextlib.contextmanager
def _built(
    options: LabOptions, variables: Mapping[str, Any], layer: Path, report: lifecycle.Report
) -> Iterator[Path]:
    """Provision a Pi, shut it down, and yield the folder of what it has written.

    Raises:
        LabError: the playbook failed, or the Pi did not shut down.
    """
    # A build that was killed may have left its lab.
    lifecycle.down(options.name)
    lifecycle.up(options, report)
    try:
        _provision(options.name, {**_VARIABLES, **variables}, layer.with_suffix(".log"))
        _shut_down(options.name)
        written = card_dir(options.name) / "upper"
        for path in (path for pattern in _PRIVATE for path in written.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield written
    finally:
        lifecycle.down(options.name)


def _provision(name: str, variables: Mapping[str, Any], log: Path) -> None:
    """Run the playbook on a lab.

    Raises:
        LabError: it failed; the lines that say why are in the message.
    """
    command = [
        str(PROGRAM), "--inventory=inventory/lab", f"--extra-vars={json.dumps(variables)}",
        "ansible/site.yml",
    ]  # fmt: skip
    environment = {**os.environ, "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"), "LAB": name}
    with log.open("w+") as output:
        done = subprocess.run(
            command, cwd=_PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, check=False, timeout=_PROVISIONING_TIMEOUT_SECONDS,
        )  # fmt: skip
        output.seek(0)
        said = output.read()
    if done.returncode:
        raise LabError(
            f"the golden bridge was not provisioned:\n{telling_part(said)}",
            f"see the whole log in {log}",
        )
    log.unlink()


def _shut_down(name: str) -> None:
    """Shut the Pi down, so that everything is on its card.

    Raises:
        LabError: it takes too long.
    """
    enter.run(name, "bridge", ["systemctl", "poweroff"])

    def is_off() -> bool:
        return lifecycle.command(name, "status")["bridge_leader"] is None

    if not wait_until(is_off, _SHUTDOWN_TIMEOUT_SECONDS):
        raise LabError(
            f"the golden bridge did not shut down within {_SHUTDOWN_TIMEOUT_SECONDS} s",
            "see which unit does not stop: systemctl list-jobs",
        )


def _delete_unused(folder: Path) -> None:
    """Delete the layers that were not used for a day: each change of a role makes new ones."""
    for layer in (each for each in folder.iterdir() if each.is_dir()):
        if time.time() - layer.stat().st_mtime > _KEEP_SECONDS:
            shutil.rmtree(layer, ignore_errors=True)
            (folder / f"{layer.name}.lock").unlink(missing_ok=True)
