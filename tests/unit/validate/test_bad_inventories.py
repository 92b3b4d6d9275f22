"""Each inventory of ``bad/`` has the mistake that its first lines name, and no other.

Such a file begins with what is expected, a line for each finding: place, variable, and the
beginning or another part of what is said, hint included. A hyphen stands for "none". Below that
are the inventory's files, each behind a line with its name. One that comes with a .gitignore is in
a git repository.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest
from unit.validate.conftest import Validator, write

BAD = sorted((Path(__file__).parent / "bad").glob("*.inventory"))
_EXPECT = re.compile(r"^# expect: (?P<place>\S+) (?P<variable>\S+): (?P<part>.+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Expected:
    """A finding.

    Attributes:
        place: file and line; None where it stands nowhere.
        variable: that is to blame; None where none is.
        part: of what is said.
    """

    place: str | None
    variable: str | None
    part: str


def read(file: Path) -> tuple[list[Expected], dict[str, str]]:
    """Read a bad inventory: what is expected of it, and its files."""
    head, *files = re.split(r"^# file: ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    expected = []
    for match in _EXPECT.finditer(head):
        place = None if match["place"] == "-" else match["place"]
        if place not in (None, "inventory"):
            place = f"inventory/{place}"
        variable = None if match["variable"] == "-" else match["variable"]
        expected.append(Expected(place, variable, match["part"]))
    parts = (each.partition("\n") for each in files)
    return expected, {name: text for name, _, text in parts}


def test_there_are_many() -> None:
    assert len(BAD) >= 40


@pytest.mark.parametrize("file", BAD, ids=lambda file: str(file.stem))
def test_what_is_wrong_is_found_with_its_place(
    validator: Validator, file: Path, tmp_path: Path
) -> None:
    expected, files = read(file)
    assert expected, f"{file} does not say what is wrong with it"
    write(tmp_path, files)
    if ".gitignore" in files:
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    done = validator.json(tmp_path)
    assert done.status == 1, done.output + done.errors
    found = [
        (
            each["file"] and each["file"] + (f":{each['line']}" if each["line"] else ""),
            each["variable"],
            f"{each['problem']}; {each['hint']}",
        )
        for each in done.findings
    ]
    assert [each[:2] for each in found] == [(each.place, each.variable) for each in expected], found
    for (_, _, said), each in zip(found, expected, strict=True):
        assert each.part in said
