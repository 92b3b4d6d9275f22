"""How the tests are spread over the processes of pytest-xdist.

A folder's tests share fixtures, some of them labs, so one process runs them all; each molecule
scenario goes alone, the scenarios first, because they take longest.
"""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group of each test, and put the slow ones at the head."""
    for item in items:
        alone = item.path.parent.name == "molecule"
        group = item.name if alone else str(item.path.parent)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.parent.name != "molecule")
