"""Text: nothing in it is left for later, or got there by mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lint.project import ROOT, texts

FORBIDDEN = {
    "work left for later": re.compile(r"\b(TODO|FIXME|XXX|HACK|TBD|WIP)\b|(?i:lorem ipsum)"),
    "a merge that was not finished": re.compile(r"^(<{7}|>{7}|\|{7})( |$)", re.MULTILINE),
    "a debugger": re.compile(r"\bbreakpoint\(\)|\bset_trace\(\)"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"),
    "a line that ends with a space": re.compile(r"[ \t]+$", re.MULTILINE),
    "a carriage return": re.compile(r"\r\n"),
}


@pytest.mark.parametrize("reason", FORBIDDEN)
def test_no_file_holds(reason: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for path, text in texts()
        if path != Path(__file__).resolve()  # it names what it forbids
        for match in FORBIDDEN[reason].finditer(text)
    ]
    assert found == []


def test_every_text_ends_with_one_line_break() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path, text in texts()
        if text and (not text.endswith("\n") or text.endswith("\n\n"))
    ]
    assert found == []
