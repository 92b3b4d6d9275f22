"""The card's copy of this project is complete and minimal, and its programs start."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.pvs_bridge.core.plugins.action.managed_files import tree
from pvs_image.build_inputs import read_list
from pvs_image.debian_base import FOLDER
from pvs_image.paths import PROJECT
from pvs_image.project_copy import copy_project
from pvs_image.provision import INVENTORY

# The Debian packages of the card that contain Python modules, and their distributions on PyPI.
_PYTHON_PACKAGES = {"ansible-core": "ansible-core", "python3-aiohttp": "aiohttp",
                    "python3-yaml": "PyYAML"}  # fmt: skip
# Those that the controller does without, and their modules.
_ON_THE_PI_ONLY = {"apprise": "apprise", "python3-paho-mqtt": "paho"}
_REQUIREMENT = re.compile(r"[\w.-]+")
_MAIN_GUARD = '__name__ == "__main__"'
# Ansible starts plugins itself; they have no command line.
_PLUGINS = "ansible/collections"


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as the card has it."""
    card = tmp_path_factory.mktemp("card") / "pvs-bridge"
    copy_project(card)
    return card


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with only those third-party Python packages that the card has."""
    folder = tmp_path_factory.mktemp("dist-packages")
    for top in sorted(_top_level_files()):
        (folder / top.name).symlink_to(top)
    return folder


def _top_level_files() -> Iterator[Path]:
    """Yield the modules and packages of the card's distributions and of their dependencies."""
    on_card = read_list(FOLDER / "packages")
    waiting = [_PYTHON_PACKAGES[name] for name in on_card if name in _PYTHON_PACKAGES]
    assert len(waiting) == len(_PYTHON_PACKAGES)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a dependency of another Python version
        if found.name in seen:
            continue
        seen.add(found.name)
        waiting += [
            match[0]
            for line in found.requires or []
            if "extra ==" not in line and (match := _REQUIREMENT.match(line))
        ]
        tops = {Path(str(file)).parts[0] for file in found.files or []}
        yield from {
            Path(str(found.locate_file(top))) for top in tops if top not in {"..", "__pycache__"}
        }


def python_files(card: Path) -> list[Path]:
    return sorted(path for path in card.rglob("*.py") if path.is_file())


def import_roots(card: Path) -> list[Path]:
    """The folders that the copy's programs import from: those above its Python packages."""
    packages = {main.parent for main in (card / "roles").rglob("__main__.py")}
    roots = {package.parent for package in packages if not packages & set(package.parents)}
    return sorted({*roots, card / "ansible/collections"})


def programs(card: Path) -> list[Path]:
    """The Python programs of the copy: run as a module or as a file."""
    return [
        file
        for file in python_files(card)
        if not file.is_relative_to(card / _PLUGINS)
        and (file.name == "__main__.py" or _MAIN_GUARD in file.read_text(encoding="utf-8"))
    ]


def start(program: Path, card: Path, packages: Path) -> subprocess.CompletedProcess[str]:
    """Run a program's --help as on the card: isolated, with the card's packages only."""
    roots = import_roots(card)
    paths = [str(path) for path in (*roots, packages)]
    run = f"runpy.run_path({str(program)!r}, run_name='__main__')"
    for root in roots:
        if program.is_relative_to(root):
            name = ".".join(program.relative_to(root).with_suffix("").parts)
            run = f"runpy.run_module({name.removesuffix('.__main__')!r}, run_name='__main__')"
    code = f"import runpy, sys; sys.path[:0] = {paths!r}; sys.argv[1:] = ['--help']; {run}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],
        cwd="/", env={"PATH": os.defpath}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_every_program_on_the_card_starts_with_the_packages_of_the_card(
    card: Path, packages: Path
) -> None:
    found = programs(card)
    failed = {}
    for program in found:
        done = start(program, card, packages)
        # A usage text, with whatever exit status, shows that all imports succeeded.
        if "usage:" not in done.stdout:
            failed[str(program.relative_to(card))] = done.stderr[-500:]
    assert not failed
    assert found


def test_every_import_on_the_card_is_the_projects_own_or_in_a_package_of_the_card(
    card: Path, packages: Path
) -> None:
    available = {path.name.split(".")[0] for path in packages.iterdir()} | sys.stdlib_module_names
    available |= {path.name for root in import_roots(card) for path in root.iterdir()}
    available |= {path.stem for root in import_roots(card) for path in root.glob("*.py")}
    on_card = read_list(FOLDER / "packages")
    available |= {module for package, module in _ON_THE_PI_ONLY.items() if package in on_card}
    missing = {
        f"{file.relative_to(card)}: {name}"
        for file in python_files(card)
        for name in imported(file)
        if name not in available
    }
    assert not missing


def imported(file: Path) -> set[str]:
    """The top-level names that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("playbook", ["site.yml", "health.yml"])
def test_the_playbooks_on_the_card_load_with_the_packages_of_the_card(
    card: Path, packages: Path, playbook: str
) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(packages)!r}); "
        "from ansible.cli.playbook import main; "
        f"main(['ansible-playbook', '--syntax-check', '-i', 'pvs-bridge,', 'ansible/{playbook}'])"
    )
    environment = {"PATH": os.defpath, "ANSIBLE_CONFIG": str(card / "ansible.cfg"),
                   "HOME": str(card.parent), "LC_ALL": "C.UTF-8"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],
        cwd=card, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_card_has_all_roles_and_the_licence(card: Path) -> None:
    assert {path.name for path in (card / "roles").iterdir()} == {
        path.name for path in (PROJECT / "roles").iterdir()
    }
    assert (card / "LICENSE").is_file()


def test_the_card_has_no_program_of_the_controller(card: Path) -> None:
    assert {path.name for path in (card / "ansible").iterdir()} == {
        "collections", "health.yml", "site.yml",
    }  # fmt: skip
    assert {path.name for path in card.iterdir()} == {
        "LICENSE", "ansible", "ansible.cfg", "pyproject.toml", "roles",
    }  # fmt: skip


def test_files_that_git_ignores_are_not_copied(card: Path) -> None:
    assert not list(card.rglob("__pycache__"))
    assert not list(card.rglob("*.pyc"))


def test_modes_do_not_depend_on_the_build_machine(card: Path) -> None:
    assert {path.stat().st_mode & 0o7777 for path in card.rglob("*")} <= {0o644, 0o755}


def test_provisioning_renews_exactly_what_the_builder_has_copied(card: Path) -> None:
    (task,) = yaml.safe_load((PROJECT / "roles/agent/tasks/card.yml").read_text())
    renewed = set()
    for entry in task["pvs_bridge.core.managed_files"]["files"]:
        dest = entry["dest"].removeprefix("/usr/local/share/pvs-bridge/")
        members = tree(PROJECT / dest) if entry.get("state") == "tree" else []
        renewed |= {f"{dest}/{each['path']}" for each in members} or {dest}
    assert renewed == {str(path.relative_to(card)) for path in card.rglob("*") if path.is_file()}


def test_an_older_copy_is_replaced(tmp_path: Path) -> None:
    removed = tmp_path / "pvs-bridge/roles/removed/tasks/main.yml"
    removed.parent.mkdir(parents=True)
    removed.write_text("---\n")
    copy_project(tmp_path / "pvs-bridge")
    assert not removed.exists()


def test_the_card_is_built_without_a_home_network() -> None:
    inventory = yaml.safe_load((INVENTORY / "card.yml").read_text())
    host = inventory["pvs_bridges"]["hosts"]["pvs-bridge"]
    assert host["uplink_type"] == "none"
    assert "uplink_networks" not in host
