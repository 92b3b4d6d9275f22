"""Fixtures: a bridge of either backend in a home, and faults whose end is waited for and timed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from nightly.faults.home import VARIABLES, Home

from pvs_lab import figures

PIS = ("trixie-networkmanager", "bookworm-dhcpcd")
_SIMULATOR = "--simulator=--latency-seconds 0.5 --panels 12 --clock 2026-06-21T20:00:00Z"
# For what a fault's end is measured by, however long it may take.
_PATIENCE_SECONDS = 300.0
_FAULT = "fault"
_FIGURE = "figure"

Fault = Callable[..., contextlib.AbstractContextManager[None]]
Figure = Callable[[str, float, str, float], None]


@pytest.fixture(scope="session", params=PIS)
def made(request: pytest.FixtureRequest) -> Iterator[Home]:
    """A bridge that looks after itself, whose card has an end, and whose clock can be set."""
    release, backend = request.param.split("-")
    home = Home(f"t-faults-{release}")
    card = ("--packages=libfaketime", "--card-mib=700")
    try:
        home.up_provisioned(release, backend, VARIABLES, *card, _SIMULATOR)
        yield home
    finally:
        home.command("down")


@pytest.fixture
def home(made: Home) -> Home:
    """That bridge, well, whatever the test before has done.

    Raises:
        AssertionError: it is not.
    """
    assert made.until(made.is_well, 120), "the fault before lasts"  # noqa: S101 - for tests
    return made


@pytest.fixture
def fault(home: Home, request: pytest.FixtureRequest, record_property: Any) -> Fault:  # noqa: ANN401 - pytest's
    """Have a fault as long as a ``with`` lasts, and the bridge recover behind it in time.

    It takes the fault's name, for the table, within how many seconds DeviceList is answered again,
    and, where something else has to heal too, what tells that it has, and within how many seconds.
    """
    backend = request.node.callspec.params["made"]

    @contextlib.contextmanager
    def suffered(
        name: str,
        *,
        seconds: float = 30.0,
        heals: Callable[[], bool] | None = None,
        heals_seconds: float = 30.0,
    ) -> Iterator[None]:
        with home.asking() as record:
            assert home.until(lambda: record.steady(0.0), 30)  # noqa: S101 - for tests
            began = time.monotonic()
            yield
            over = time.monotonic()
            healed = 0.0 if heals is None else home.seconds_until(heals, heals_seconds)
            home.until(lambda: record.steady(over + healed), _PATIENCE_SECONDS)
        took = max(record.recovered(over), healed)
        asked = record.asked(began)
        lost = [each for each in asked if each.lost]
        row = (
            name, backend, f"{took:.1f} s", f"{seconds:.0f} s", str(len(asked)),
            str(len([each for each in lost if each.began < over])),
            str(len([each for each in lost if each.began >= over])),
        )  # fmt: skip
        record_property(_FAULT, row)
        assert took <= seconds, lost  # noqa: S101 - for tests

    return suffered


@pytest.fixture
def figure(request: pytest.FixtureRequest, record_property: Any) -> Figure:  # noqa: ANN401 - pytest's
    """Note a figure for the table, and hold it to its bound."""
    backend = request.node.callspec.params["made"]

    def noted(name: str, value: float, unit: str, most: float) -> None:
        record_property(
            _FIGURE, (name, backend, f"{value:.4g} {unit}".strip(), f"{most:g} {unit}".strip())
        )
        assert value <= most  # noqa: S101 - for tests

    return noted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print both tables."""
    reports = [each for found in terminalreporter.stats.values() for each in found]
    noted = [each for report in reports for each in getattr(report, "user_properties", [])]
    head = ("fault", "bridge", "recovered in", "at most", "asked", "lost in it", "and after")
    for title, name, names in (
        ("faults", _FAULT, head),
        ("figures", _FIGURE, ("of what the project adds", "bridge", "measured", "at most")),
    ):
        # A test's report has them again when its fixtures end.
        rows = sorted({tuple(value) for key, value in noted if key == name})
        if rows:
            terminalreporter.section(title)
            terminalreporter.write_line(figures.table(names, rows))
