"""The roles that a change of variables affects, so that a boot runs only these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_WORD = re.compile(r"\w+")
_DEFINITION = re.compile(r"^(\w+):", re.MULTILINE)

# Every role uses the facts and the variables of this one, and site.yml always runs it.
_COMMON = "common"
# The prefix of its public variables.
_COMMON_PREFIX = "bridge_"


def roles(project: Path, changed: Iterable[str]) -> list[str]:
    """Return the roles that use one of some variables, directly or through other variables.

    Args:
        project: The folder that has ``roles``.
        changed: Names of variables.

    Returns:
        the roles' names, which are also their tags in site.yml.
    """
    folders = sorted(path for path in (project / "roles").iterdir() if path.is_dir())
    definitions = [each for folder in folders for each in _definitions(folder)]
    names = set(changed)
    if any(name.startswith(_COMMON_PREFIX) for name in names):
        return [folder.name for folder in folders if folder.name != _COMMON]
    grown = True
    while grown:
        reached = {name for name, words in definitions if words & names}
        grown = not reached <= names
        names |= reached
    return [folder.name for folder in folders if folder.name != _COMMON and _used(folder) & names]


def _definitions(role: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield each variable that a role defines, with the words of its value."""
    for file in (role / "defaults/main.yml", role / "vars/main.yml"):
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        heads = list(_DEFINITION.finditer(text))
        ends = [*(head.start() for head in heads[1:]), len(text)]
        for head, end in zip(heads, ends, strict=False):
            yield head[1], set(_WORD.findall(text[head.end() : end]))


def _used(role: Path) -> set[str]:
    """Return the words of a role's tasks, handlers and templates."""
    words: set[str] = set()
    for folder in ("tasks", "handlers", "templates"):
        for file in (role / folder).glob("**/*"):
            if file.is_file():
                words |= set(_WORD.findall(file.read_text(encoding="utf-8")))
    return words
