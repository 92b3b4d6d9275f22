"""The Makefile: its help names everything that a person calls."""

from __future__ import annotations

import re

from lint.project import ROOT, run

PHONY = re.compile(r"^\.PHONY:(.*)$", re.MULTILINE)
HELP_LINE = re.compile(r"^  make ([a-z-]+) +(\S.*)$", re.MULTILINE)
# Which tests a target has pytest run, by their marks.
CHOICE = re.compile(r'pytest .*-m "?([a-z_ ]+?)"?(?: --|\s*$)', re.MULTILINE)
# Only other targets call these.
INTERNAL = "setup-"


def listed() -> dict[str, str]:
    """Return what the help says about each target."""
    return dict(HELP_LINE.findall(run("make", "help")))


def test_the_help_names_every_target_that_a_person_calls() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = {name for names in PHONY.findall(makefile) for name in names.split()}
    assert set(listed()) == {name for name in phony if not name.startswith(INTERNAL)}


def test_each_ring_runs_what_the_cheaper_one_leaves_out() -> None:
    chosen = {
        target: CHOICE.findall(run("make", "--dry-run", target, "PYTEST="))
        for target in ("unit", "test", "test-all")
    }
    assert chosen == {
        "unit": ["not needs_system"],
        "test": ["not needs_system", "needs_system and not slow"],
        "test-all": ["not needs_system", "needs_system"],
    }


def test_tests_that_are_named_are_run_whole() -> None:
    printed = run("make", "--dry-run", "test", "PYTEST=tests/bridges/rollback -n0")
    assert "--durations=15 tests/bridges/rollback -n0" in printed
    assert CHOICE.findall(printed) == []
