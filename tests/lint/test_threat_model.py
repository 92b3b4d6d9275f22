"""The threat model: each line names tests, and the tests exist."""

from __future__ import annotations

import ast
import re

from lint.project import ROOT

_PAGE = ROOT / ".github/THREAT_MODEL.md"
_ACTORS = 8
_ROW = re.compile(r"^\|(?! tries \||---)(.+)\|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def functions(path: str) -> set[str]:
    """Return the names of the functions in a file below tests; empty without the file."""
    file = ROOT / "tests" / path
    tree = ast.parse(file.read_text() if file.is_file() else "")
    return {
        each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_each_line_names_tests_that_exist() -> None:
    text = _PAGE.read_text()
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == _ACTORS
    rows = _ROW.findall(text)
    assert len(rows) > 5 * _ACTORS
    assert [row for row in rows if not _TEST.search(row.rpartition(" | ")[2])] == []
    named = _TEST.findall(text)
    missing = [f"{path}::{name}" for path, name in named if name not in functions(path)]
    assert missing == []
    assert len(named) == len(re.findall(r"::", text))
