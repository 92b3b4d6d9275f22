"""Language: the project is written in plain technical English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lint.project import ROOT, texts

INSTEAD = {
    r"whoever|whosoever": "name the person or the program",
    r"nobody|somebody|anybody": "name the person or the program, or use the passive",
    r"whom|whence": "use two sentences",
    r"anew": "again",
    r"in vain": "without success",
    r"(?<!there )(is|are|was|were) no(?! longer\b| more\b| later\b)": "is not a, must be X",
    r"is none of": "must be one of",
    r"what translates": "the compat service",
    r"cures?": "hint",
}
"""The banned words, and what to write in their place."""

EXEMPT = {
    "CHANGELOG.md": "it names what was renamed",
    "LICENSE": "its words are the licence's",
    "requirements.lock": "uv writes it",
    "tests/lint/test_words.py": "it names the words",
}
"""Files that are not checked, with the reason."""

# The user of the system; a program that runs as it has the name in quotes, or after an option.
_USER = re.compile(
    r"""["'`]nobody["'`:]|-u nobody|User[= ]nobody|nobody:nogroup|=nobody\b|AS NOBODY"""
    r"""|nobody <nobody@"""
)


@pytest.mark.parametrize("words", INSTEAD)
def test_banned_words_are_not_used(words: str) -> None:
    pattern = re.compile(rf"(?<![\w-])({words})(?![\w-])", re.IGNORECASE)
    found = [
        f"{name}:{number}: {match[0]!r}"
        for path, text in texts()
        if (name := str(path.relative_to(ROOT))) not in EXEMPT
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(_USER.sub("", line.replace("_", " ")))
    ]
    assert found == [], f"write instead: {INSTEAD[words]}"


def test_every_exempt_file_exists() -> None:
    assert [name for name in EXEMPT if not Path(ROOT / name).is_file()] == []
