"""The Makefile: its help names everything that a person calls."""

from __future__ import annotations

import re

from lint.project import ROOT, run

PHONY = re.compile(r"^\.PHONY:(.*)$", re.MULTILINE)
HELP_LINE = re.compile(r"^  make ([a-z-]+) +(\S.*)$", re.MULTILINE)
# Only other targets call these.
INTERNAL = "setup-"


def listed() -> dict[str, str]:
    """Return what the help says about each target."""
    return dict(HELP_LINE.findall(run("make", "help")))


def test_the_help_names_every_target_that_a_person_calls() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = {name for names in PHONY.findall(makefile) for name in names.split()}
    assert set(listed()) == {name for name in phony if not name.startswith(INTERNAL)}
