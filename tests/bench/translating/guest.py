"""An arm64 machine of QEMU with Debian's own Python and aiohttp.

The service weighs there what it weighs on a Pi. It takes some minutes, as every instruction is
translated.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.translating.rig import PROJECT, RigError
from bench.translating.weighing import MARK, Weight, Weights

RELEASE = "trixie"
_PACKAGES = "base-files,coreutils,dash,iproute2,linux-image-arm64,mount,openssl,python3-aiohttp"
_MEMORY_MIB = 1536  # the file system is in it too
_LONGEST_SECONDS = 1800
_INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
ip link set lo up
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
PYTHONPATH=/project/tests:/project/roles/agent/files /usr/bin/python3 -m bench.translating.weighing
echo o > /proc/sysrq-trigger
sleep 60
"""
OWN = ("tests/bench", "tests/lab/pvs_sim", "roles/agent/files")


def weigh_in_guest() -> Weights:
    """Make the guest, run it, and return what it has weighed.

    Raises:
        RigError: it cannot be made, or says nothing.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "root"
        _make(root)
        kernel = folder / "kernel"
        shutil.move(str(next((root / "boot").glob("vmlinuz-*"))), kernel)
        # The kernel's modules are not needed: what the guest uses is built in.
        for each in ("boot", "usr/lib/modules", "usr/share/doc"):
            shutil.rmtree(root / each, ignore_errors=True)
        for each in OWN:
            shutil.copytree(PROJECT / each, root / "project" / each)
        (root / "init").write_text(_INIT)
        (root / "init").chmod(0o755)
        return read_console(_run(kernel, _packed(root, folder / "root.cpio")))


def _make(root: Path) -> None:
    # Only unpacked: no script of a package has to run on a processor that this machine has not.
    _call(
        "mmdebstrap", "--variant=extract", "--arch=arm64", f"--include={_PACKAGES}",
        '--aptopt=APT::Install-Recommends "false"', RELEASE, str(root),
        os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian"),
    )  # fmt: skip


def _packed(root: Path, file: Path) -> Path:
    with file.open("wb") as archive:
        found = subprocess.Popen(["find", "."], cwd=root, stdout=subprocess.PIPE)
        subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc"],
            cwd=root,
            stdin=found.stdout,
            stdout=archive,
            check=True,
        )
        found.communicate()
    return file


def _run(kernel: Path, files: Path) -> str:
    return _call(
        "qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53", "-smp", "2",
        "-m", str(_MEMORY_MIB), "-accel", "tcg,thread=multi", "-nographic", "-no-reboot",
        "-nic", "none", "-kernel", str(kernel), "-initrd", str(files),
        "-append", "console=ttyAMA0 quiet mitigations=off",
    )  # fmt: skip


def _call(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RigError(f"{command[0]}: {error}") from error
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise RigError(f"{command[0]} ends with {done.returncode}:\n{said[-2000:]}")
    return said


def read_console(console: str) -> Weights:
    """Find what the guest has weighed in what it has written.

    Raises:
        RigError: there is nothing of it.
    """
    found = [line for line in console.splitlines() if line.startswith(MARK)]
    if not found:
        raise RigError(f"the guest has weighed nothing; its console:\n{console[-3000:]}")
    said = json.loads(found[-1][len(MARK) :])
    return Weights(
        said["machine"],
        said["python"],
        Weight(**said["idle"]),
        Weight(**said["loaded"]),
        said["handshake_ms"],
    )
