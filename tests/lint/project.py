"""The project as the linters see it: its files, and how a tool is run on them."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pvs_lab.paths import cache_dir

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
COLLECTION = ROOT / "ansible/collections/ansible_collections/pvs_bridge/core"


class _AnyTag(yaml.SafeLoader):
    """Reads YAML whatever tags are in it: the linters look at names, not at values."""


_AnyTag.add_multi_constructor("!", lambda *_: None)


def load_yaml(file: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    """Read a YAML file; tags such as ``!vault`` become None."""
    return yaml.load(file.read_text(encoding="utf-8"), _AnyTag)  # noqa: S506 - a SafeLoader


def role_name(role: Path) -> str:
    """Name a role, for the ids of parametrized tests."""
    return role.name


def run(*command: str, **environment: str) -> str:
    """Run a tool in the project's root; the test fails, with the tool's words, where it does.

    Args:
        command: the tool and its arguments.
        environment: more environment variables for it.

    Returns:
        what it printed.
    """
    # The tools of the virtual environment that pytest itself is from, made active or not.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which(command[0], path=path)
    if program is None:
        pytest.fail(f"{command[0]} is missing; hint: make lint installs it", pytrace=False)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env={**inherited, "PATH": path, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(
            f"{' '.join(command[:4])} … exits with {done.returncode}\n{done.stdout}{done.stderr}",
            pytrace=False,
        )
    return done.stdout


def run_once(inputs: Sequence[Path], *command: str, **environment: str) -> None:
    """Run a slow tool as :func:`run` does, unless it has passed with the same inputs before.

    Args:
        inputs: every file of the project that the result depends on, relative to its root.
        command: the tool and its arguments.
        environment: more environment variables for it.
    """
    digest = hashlib.sha256(json.dumps([command, sys.version]).encode())
    for path in sorted(inputs):
        text = (ROOT / path).read_bytes()
        digest.update(json.dumps([str(path), len(text)]).encode() + text)
    passed = cache_dir() / f"lint-{os.getuid()}" / digest.hexdigest()
    if not passed.exists():
        run(*command, **environment)
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


@functools.cache
def files() -> tuple[Path, ...]:
    """Name every file that git tracks, or would track if it were added."""
    # The folder may belong to the user who typed sudo.
    trust = f"safe.directory={ROOT}"
    listed = run("git", "-c", trust, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = {ROOT / name for name in listed.split("\0") if name}
    return tuple(sorted(path for path in paths if path.is_file() and not path.is_symlink()))


def texts() -> Iterator[tuple[Path, str]]:
    """Read every file that is text."""
    for path in files():
        try:
            yield path, path.read_bytes().decode()
        except UnicodeDecodeError:
            continue


def python_files() -> list[str]:
    """Name every Python file of the project."""
    return [str(path.relative_to(ROOT)) for path in files() if path.suffix == ".py"]
