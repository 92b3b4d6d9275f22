"""Plugins: ansible-doc explains each one."""

from __future__ import annotations

import json

import pytest
from lint.project import COLLECTION, ROOT, run

# An action plugin is explained by the module of its name.
EXPLAINED_KINDS = {"action": "module", "modules": "module"}
INTERNAL_KINDS = ("doc_fragments", "module_utils", "plugin_utils")


def plugins() -> dict[str, set[str]]:
    """Name every plugin, by the kind that ansible-doc knows it under."""
    found: dict[str, set[str]] = {}
    for file in (COLLECTION / "plugins").glob("*/*.py"):
        kind = file.parent.name
        if kind not in INTERNAL_KINDS and file.stem != "__init__":
            names = found.setdefault(EXPLAINED_KINDS.get(kind, kind), set())
            names.add(f"pvs_bridge.core.{file.stem}")
    return found


@pytest.mark.parametrize("kind", sorted(plugins()))
def test_ansible_doc_explains_each_plugin(kind: str) -> None:
    names = sorted(plugins()[kind])
    printed = run(
        *("ansible-doc", "--json", "--type", kind, *names),
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
    )
    explained = json.loads(printed)
    assert sorted(explained) == names
    for name, sections in explained.items():
        assert sections["doc"]["short_description"], name
        assert sections["examples"], f"{name} has no EXAMPLES"
        # A connection and a callback return nothing of their own.
        assert sections["return"] or kind in ("callback", "connection"), f"{name} has no RETURN"
