"""YAML and Ansible: yamllint and ansible-lint find nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint.project import ROLES, ROOT, files, run, run_once

_PROJECT_FILES = {".ansible-lint", ".yamllint", "ansible.cfg", "requirements.lock"}


def ansible_files(*folders: str) -> list[Path]:
    """Name the files that ansible-lint reads: those in folders, and those that configure it."""
    found = (path.relative_to(ROOT) for path in files())
    return [
        path
        for path in found
        if str(path) in _PROJECT_FILES
        or (str(path).startswith(folders) and path.suffix not in (".md", ".svg"))
    ]


def ansible_lint(inputs: list[Path], *options: str) -> None:
    # ansible-lint has playbooks parsed without an inventory, which our ansible.cfg refuses.
    run_once(
        inputs,
        "ansible-lint",
        "--format=pep8",
        *options,
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
        ANSIBLE_INVENTORY=str(ROOT / "inventory/example"),
    )


def test_yamllint_finds_nothing() -> None:
    run("yamllint", "--strict", ".")


# A role is read again only when it, or a module that it calls, has changed.
@pytest.mark.parametrize("role", [role.name for role in ROLES])
def test_ansible_lint_finds_nothing_in_a_role(role: str) -> None:
    folder = f"roles/{role}"
    ansible_lint(ansible_files(f"{folder}/", "ansible/collections/"), folder)


def test_ansible_lint_finds_nothing_elsewhere() -> None:
    # Playbooks are parsed with the roles that they import.
    folders = ("ansible/", "inventory/", "roles/", "templates/", ".github/")
    tests = [path.relative_to(ROOT) for path in files() if path.suffix == ".yml"]
    ansible_lint(sorted({*ansible_files(*folders), *tests}), "--exclude=roles")
