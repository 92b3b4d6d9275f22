"""The option rollback: the host keeps what it has before the first change, or nothing changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.managed_files.running import put

ROLLBACK = {
    "id": "a1",
    "controller": "anna@my laptop",
    "timeout_seconds": 120,
    "interfaces": ["eth0", "wlan0"],
}
_PROGRAM = """#!/bin/sh
printf '%s\\n' "$@" >> {folder}/arguments
cat {folder}/etc/file > {folder}/seen
ls -A {folder}/etc > {folder}/listed
echo "ben@desk changes the network"
exit {status}
"""


class Arming:
    """A stand-in for the program that arms, which remembers what it saw.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        """Put the program and a file to change into the folder."""
        self.folder = folder
        self.dest = folder / "etc/file"
        self.dest.parent.mkdir()
        self.dest.write_text("old\n")
        self.refuse(status=0)

    def refuse(self, status: int = 1) -> None:
        """Have it end with another status."""
        program = self.folder / "program"
        program.write_text(_PROGRAM.format(folder=self.folder, status=status))
        program.chmod(0o755)

    def put(self, *files: dict[str, Any], check: bool = False) -> dict[str, Any]:
        """Run the module with it."""
        return put(*files, check=check, rollback=ROLLBACK, program=self.folder / "program")

    def put_text(self, text: str, **more: object) -> dict[str, Any]:
        """Give the file a text."""
        return self.put({"dest": str(self.dest), "content": text, **more})

    def read(self, name: str) -> list[str]:
        """Read what it saw; nothing where it was not called."""
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def arming(tmp_path: Path) -> Arming:
    """Return the stand-in."""
    return Arming(tmp_path)


def test_it_is_armed_before_anything_has_changed(arming: Arming) -> None:
    assert arming.put_text("new\n")["changed"]
    assert arming.read("arguments") == [
        "arm", "--id", "a1", "--controller", "anna@my laptop", "--timeout-seconds", "120",
        "--interfaces", "eth0,wlan0",
    ]  # fmt: skip
    assert arming.read("seen") == ["old"]
    assert arming.read("listed") == ["file"]
    assert arming.dest.read_text() == "new\n"


def test_it_is_armed_once_for_all_files(arming: Arming) -> None:
    other = str(arming.folder / "other")
    arming.put(
        {"dest": str(arming.dest), "state": "absent"},
        {"dest": other, "state": "link", "src": "/dev/null"},
        {"dest": f"{other}.conf", "state": "line", "regexp": "x", "content": "x"},
    )
    assert arming.read("arguments").count("arm") == 1
    assert arming.read("seen") == ["old"]


def test_it_is_not_armed_where_nothing_changes(arming: Arming) -> None:
    assert not arming.put_text("old\n")["changed"]
    assert arming.read("arguments") == []


def test_it_is_not_armed_in_check_mode(arming: Arming) -> None:
    wanted = {"dest": str(arming.dest), "content": "new\n"}
    assert arming.put(wanted, check=True)["changed"]
    assert arming.read("arguments") == []


def test_where_it_is_refused_nothing_changes_and_the_reason_is_told(arming: Arming) -> None:
    arming.refuse()
    result = arming.put_text("new\n")
    assert (result["failed"], result["msg"]) == (True, "ben@desk changes the network")
    assert arming.dest.read_text() == "old\n"
    assert [path.name for path in arming.dest.parent.iterdir()] == ["file"]


def test_a_program_that_is_not_there_stops_the_change(arming: Arming) -> None:
    (arming.folder / "program").unlink()
    result = arming.put_text("new\n")
    assert result["failed"]
    assert str(arming.folder / "program") in result["cmd"]
    assert arming.dest.read_text() == "old\n"
