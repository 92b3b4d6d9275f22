"""Fixtures: a Pi in a lab that boots from a card of this project."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.boot_config.card import PACKAGES, Card

_NAME = "t-card"
# Answers soon, at noon.
_SIMULATOR = "--latency-seconds 0.3 --panels 12 --clock 2026-06-21T20:00:00Z"


@pytest.fixture(scope="session")
def made() -> Iterator[Card]:
    """The Pi; its card is built once."""
    card = Card(_NAME)
    card.command("up", f"--packages={' '.join(PACKAGES)}", f"--simulator={_SIMULATOR}")
    try:
        card.build()
        yield card
    finally:
        card.command("down")


@pytest.fixture
def card(made: Card) -> Card:
    """The Pi with a freshly flashed card, to be booted by the test."""
    made.flash()
    return made
