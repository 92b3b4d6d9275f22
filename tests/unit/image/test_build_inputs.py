"""Inputs of a build: its date and its package lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_image import build_inputs
from pvs_image.debian_base import FOLDER
from pvs_image.errors import ImageError
from pvs_image.native_tools import FOLDER as TOOLS


def test_source_date_epoch_sets_the_build_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert build_inputs.source_date_epoch() == 1700000000


def test_an_invalid_source_date_epoch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(
        ImageError, match="SOURCE_DATE_EPOCH must be a number of seconds since 1970, got yesterday"
    ):
        build_inputs.source_date_epoch()


@pytest.mark.parametrize("folder", [FOLDER, TOOLS], ids=["base", "tools"])
def test_each_package_is_listed_once(folder: Path) -> None:
    names = build_inputs.read_list(folder / "packages")
    assert len(names) == len(set(names)) > 20
    assert all(name == name.strip().lower() and " " not in name for name in names)
