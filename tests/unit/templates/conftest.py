"""Fixtures: the rendered templates, and Pis whose programs read them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from unit.templates.pis import Pi
from unit.templates.rendering import render

from pvs_lab.paths import PACKAGE_ROOT


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Render every template once; each file's text by its name."""
    return render(tmp_path_factory.mktemp("templates"), checked="wifi 3")


@pytest.fixture(scope="session")
def pi(request: pytest.FixtureRequest) -> Iterator[Pi]:
    """Bring up the Pi of a release and a backend; pytest sorts the tests so that each is once."""
    release, backend = request.param
    # Several runs on one machine do not take each other's labs.
    name = f"wifi-{release}-{backend[:7]}-{os.getpid()}"
    try:
        _lab("up", "--lab", name, "--release", release, "--backend", backend)
        yield Pi(name, release, backend)
    finally:
        _lab("down", "--lab", name)


def _lab(*arguments: str) -> None:
    """Run a command of the lab, in a process of its own, which a lab's parent has to be."""
    done = subprocess.run(
        [sys.executable, "-m", "pvs_lab", *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout  # noqa: S101 - pytest's
