"""When a card is, and from where it comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_image import build_inputs
from pvs_image.debian_base import FOLDER
from pvs_image.errors import ImageError
from pvs_image.native_tools import FOLDER as TOOLS


def test_the_time_is_the_one_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert build_inputs.source_date_epoch() == 1700000000


def test_a_time_that_is_none_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ImageError, match="SOURCE_DATE_EPOCH=yesterday is not a number"):
        build_inputs.source_date_epoch()


@pytest.mark.parametrize("folder", [FOLDER, TOOLS], ids=["base", "tools"])
def test_each_package_is_listed_once(folder: Path) -> None:
    names = build_inputs.read_list(folder / "packages")
    assert len(names) == len(set(names)) > 20
    assert all(name == name.strip().lower() and " " not in name for name in names)
