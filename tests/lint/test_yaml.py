"""YAML and Ansible: yamllint and ansible-lint find nothing."""

from __future__ import annotations

from lint.project import ROOT, run


def test_yamllint_finds_nothing() -> None:
    run("yamllint", "--strict", ".")


def test_ansible_lint_finds_nothing() -> None:
    # ansible-lint has playbooks parsed without an inventory, which our ansible.cfg refuses.
    run(
        "ansible-lint",
        "--format=pep8",
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
        ANSIBLE_INVENTORY=str(ROOT / "inventory/example"),
    )
