"""How the tests are spread over the processes of pytest-xdist.

A folder's tests share fixtures, some of them labs, so one process runs them all. Each molecule
scenario goes alone, the scenarios first, because they take longest; so does each file about the
proxy, whose tests wait more than they work.
"""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# A shared machine stands still for a moment now and then, which is no fault of an example.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

_SCENARIOS = "molecule/test_scenarios.py"
_PROXY = "tests/proxy/"


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist carries no types
    """Sends the tests of a folder to one process, with exceptions."""

    def _split_scope(self, nodeid: str) -> str:
        """Name the group of a test."""
        path = nodeid.split("::", maxsplit=1)[0]
        if path.endswith(_SCENARIOS):
            return nodeid
        return path if path.startswith(_PROXY) else path.rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling:  # noqa: ANN401 - xdist's
    """Have pytest-xdist use it."""
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow ones at the head."""
    items.sort(key=lambda item: not item.nodeid.split("::")[0].endswith(_SCENARIOS))
