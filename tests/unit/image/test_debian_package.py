"""The Debian package is reproducible, complete and small, and lintian accepts it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pvs_image.debian_package import build_package
from pvs_image.paths import PROJECT
from pvs_image.project_copy import project_files

pytestmark = pytest.mark.needs_system

EPOCH = 1_782_000_000
MOST_MIB = 2


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package"), EPOCH)


def output(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_same_date_makes_the_same_bytes(package: Path, tmp_path: Path) -> None:
    again = build_package(tmp_path, EPOCH)
    assert again.name == package.name
    assert again.read_bytes() == package.read_bytes()


def test_lintian_accepts_it(package: Path) -> None:
    assert output("lintian", "--allow-root", "--fail-on=error,warning", package) == ""


def test_it_is_small(package: Path) -> None:
    assert package.stat().st_size < MOST_MIB * 2**20


def test_it_has_what_the_card_has(package: Path, tmp_path: Path) -> None:
    output("dpkg-deb", "--extract", package, tmp_path)
    copy = tmp_path / "usr/share/pvs-bridge"
    found = {path.relative_to(copy) for path in copy.rglob("*") if not path.is_dir()}
    assert found == {path.relative_to(PROJECT) for path in project_files()}


def test_its_command_and_its_manual_agree(package: Path, tmp_path: Path) -> None:
    output("dpkg-deb", "--extract", package, tmp_path)
    usage = output("python3", "-I", "-B", tmp_path / "usr/bin/pvs-bridge", "--help")
    manual = output("zcat", tmp_path / "usr/share/man/man1/pvs-bridge.1.gz")
    commands = [line.split()[0] for line in usage.splitlines() if line.startswith("  ")]
    assert "setup" in commands
    for command in commands:
        assert f"\n.B {command}\n".replace("-", "\\-") in manual
