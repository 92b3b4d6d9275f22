"""The lab as a person uses it: its commands, as make runs them, and the traces that it leaves."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pvs_lab import lifecycle
from pvs_lab.lab_client import LabClient
from pvs_lab.paths import PACKAGE_ROOT, card_dir, lab_dir
from pvs_lab.process import Process, first_child

PROJECT = Path(__file__).resolve().parents[3]
# Tests that run side by side have labs of their own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
# Answers at once, and has the sun at any hour.
SIMULATOR = "--latency-seconds 0 --daylight"

# Without mount namespaces: a test that holds one would hold the lab's mounts.
KINDS_OF_NAMESPACES = ("cgroup", "ipc", "net", "pid", "uts")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the project's root."""
    return PROJECT


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Return the environment that the lab's commands run in, without that of a make around it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return {**inherited, "PYTHONPATH": str(PACKAGE_ROOT)}


@pytest.fixture(scope="session")
def pvs_lab(environment: dict[str, str]) -> Command:
    """Run a command of the lab; after ``before``, if given, which has to run it."""

    def run(
        *arguments: str, before: tuple[str, ...] = (), cwd: Path = PROJECT, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, sys.executable, "-m", "pvs_lab", *arguments],
            cwd=cwd,
            env={**environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def bring_up(pvs_lab: Command) -> Callable[..., contextlib.AbstractContextManager[LabClient]]:
    """Bring a lab up for as long as a ``with`` lasts."""

    @contextlib.contextmanager
    def up(name: str, simulator: str = SIMULATOR) -> Iterator[LabClient]:
        done = pvs_lab("up", "--lab", name, "--simulator", simulator)
        if done.returncode:
            pytest.fail(done.stderr, pytrace=False)
        try:
            yield LabClient(name)
        finally:
            pvs_lab("down", "--lab", name)

    return up


@pytest.fixture(scope="session")
def lab(
    bring_up: Callable[..., contextlib.AbstractContextManager[LabClient]],
) -> Iterator[LabClient]:
    """Return one lab for all tests that leave it as they found it."""
    with bring_up(f"t-lab-{WORKER}") as surroundings:
        yield surroundings


@dataclasses.dataclass(frozen=True)
class Footprint:
    """What the kernel and the disk have of a lab.

    Attributes:
        name: the lab's name.
        processes: all of its processes.
        namespaces: those that are its own, as ``net:[4026531840]``.
    """

    name: str
    processes: frozenset[Process]
    namespaces: frozenset[str]

    def left(self, folder: Path) -> dict[str, list[str]]:
        """Look for what is still there.

        Args:
            folder: an empty folder that may be mounted on, where only this test sees it.

        Returns:
            what was found, by its kind; empty when there is no trace of the lab.
        """
        groups = subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount -t cgroup2 none "$0" && ls "$0"', folder],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        seen = namespaces_of_all()
        folders = {"folder": lab_dir(self.name), "card": card_dir(self.name)}
        found = {
            "process": [str(one) for one in self.processes if one.alive()],
            "namespace": sorted(self.namespaces & seen),
            "mount": self._mounts(),
            "cgroup": [name for name in groups if name == f"pvs-bridge-lab-{self.name}"],
            **{kind: [str(path)] for kind, path in folders.items() if path.exists()},
        }
        return {kind: things for kind, things in found.items() if things}

    def _mounts(self) -> list[str]:
        """Mounts of the lab that any process of this machine sees."""
        signs = (f"{lab_dir(self.name)}/", f"{card_dir(self.name)}/", *self.namespaces)
        lines = {line for text in read_all("mountinfo") for line in text.splitlines()}
        return sorted(line for line in lines if any(sign in line for sign in signs))


def read_all(name: str) -> Iterator[str]:
    """Read a file of every process's folder in /proc."""
    for path in Path("/proc").glob(f"[0-9]*/{name}"):
        with contextlib.suppress(OSError):
            yield path.read_text()


def namespaces_of(process: Path) -> Iterator[str]:
    """Name the namespaces of a process, by its folder in /proc."""
    for kind in KINDS_OF_NAMESPACES:
        with contextlib.suppress(OSError):
            yield str((process / "ns" / kind).readlink())


def namespaces_of_all() -> frozenset[str]:
    """Name the namespaces of every process of this machine that has not ended."""
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        # A zombie still shows its last namespace.
        with contextlib.suppress(ProcessLookupError):
            Process.of(int(process.name))
            found.update(namespaces_of(process))
    return frozenset(found)


def descendants(pid: int) -> Iterator[int]:
    """Number a process and all that come from it."""
    yield pid
    for children in Path(f"/proc/{pid}").glob("task/*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                yield from descendants(int(child))


@pytest.fixture
def footprint() -> Iterator[Callable[[str], Footprint]]:
    """Take down what there is of a lab that is up or coming up."""
    # While a namespace is held open, no new one gets its number.
    held: list[int] = []

    def hold(kind: str, path: Path) -> str:
        held.append(os.open(path, os.O_RDONLY))
        return f"{kind}:[{os.fstat(held[-1]).st_ino}]"

    def take(name: str) -> Footprint:
        root = lifecycle.describe(name).process.pid
        processes, namespaces = set(), set()
        for pid in descendants(root):
            with contextlib.suppress(ProcessLookupError):
                processes.add(Process.of(pid))
            for kind in KINDS_OF_NAMESPACES:
                with contextlib.suppress(OSError):
                    namespaces.add(hold(kind, Path(f"/proc/{pid}/ns/{kind}")))
        # A host without a process has its namespace all the same.
        for host in Path(f"/proc/{first_child(root)}/root/run/netns").glob("*"):
            namespaces.add(hold("net", host))
        mine = set(namespaces_of(Path("/proc/self")))
        return Footprint(name, frozenset(processes), frozenset(namespaces - mine))

    yield take
    for descriptor in held:
        os.close(descriptor)
