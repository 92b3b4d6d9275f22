"""Python: ruff finds nothing, its formatter changes nothing, and every type is right."""

from __future__ import annotations

from lint.project import python_files, run


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", *python_files())


def test_every_file_is_formatted() -> None:
    run("ruff", "format", "--check", "--diff", *python_files())


def test_every_type_is_right() -> None:
    run("mypy", "--strict", *python_files())
