"""The way the linters are run: nothing that goes wrong passes unseen."""

from __future__ import annotations

import pytest
from lint.project import files, run


def test_a_linter_that_is_missing_is_a_failure() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"no-such-linter is missing; hint: make lint"):
        run("no-such-linter")


def test_a_linter_that_finds_something_is_a_failure_with_its_words() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"exits with 3\nfound this\nand this\n"):
        run("sh", "-c", "echo found this; echo and this >&2; exit 3")


def test_the_files_are_those_of_the_project_alone() -> None:
    names = {path.name for path in files()}
    assert {"Makefile", "pyproject.toml", "project.py"} <= names
    assert not [path for path in files() if ".venv" in path.parts or "__pycache__" in path.parts]
