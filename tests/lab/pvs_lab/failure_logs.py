"""Logs of a lab for the report of a failed test: the lab is removed before the report is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pvs_lab.errors import LabError
from pvs_lab.lab_client import LabClient

if TYPE_CHECKING:
    import pytest

_LOOK = "journalctl --boot --no-pager --lines 60; ip address; ip route"


def add(report: pytest.TestReport, lab: LabClient) -> None:
    """Add the bridge's journal, addresses and routes to the report of a test that has failed."""
    if not report.failed:
        return
    try:
        printed = lab.run("bridge", _LOOK)[1]
    except LabError as error:
        printed = str(error)
    report.sections.append((f"{lab.name}: the bridge's journal, addresses and routes", printed))
