"""Secrets that stand in clear text where git would publish them."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.template import is_trusted_as_template

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import variable_name
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import origin_mark
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import SECRET_WORDS, Option
from bridgectl.inventory.files import is_encrypted
from bridgectl.inventory.short_path import short
from bridgectl.validate.report import Problem

Mark = tuple[str, int, int]

_SECRET_WORDS = SECRET_WORDS | {"pass"}
# What begins like this is a hash of a password.
_HASH = "$"
# What git has told a hook, which is about another folder, perhaps.
_GIT_SETTINGS = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE")


@dataclasses.dataclass(frozen=True)
class Written:
    """A secret that is written in clear text.

    Attributes:
        variable: that holds it.
        file: in which it stands.
        line: at which it begins.
    """

    variable: str
    file: Path
    line: int


def secrets_in_clear_text(
    variables: Mapping[str, Any], rendered: Mapping[str, Any], options: Mapping[str, Option]
) -> Iterator[Written]:
    """Find a bridge's secrets that some file holds in clear text, whoever reads that file.

    Args:
        variables: all that the play knows for the bridge, as written.
        rendered: those that the roles read, rendered.
        options: what the roles say of them.
    """
    secrets = [
        pair
        for name, value in rendered.items()
        for pair in _secrets(value, options.get(name), (name,))
    ]
    # Names of one's own, and those by which Ansible logs in.
    secrets += [
        ((name,), value)
        for name, value in variables.items()
        if name not in rendered and name.rpartition("_")[2] in _SECRET_WORDS
    ]
    candidates = [(path, value, origin_mark(value)) for path, value in secrets if _is_text(value)]
    if not any(mark for _, _, mark in candidates):
        return
    plain = {mark for value in variables.values() for mark in _plain_marks(value)}
    for path, _, mark in candidates:
        if mark in plain and mark is not None:
            yield Written(variable_name(path), Path(mark[0]), mark[1])


def published(found: Mapping[str, Iterable[Written]]) -> tuple[list[Problem], list[str]]:
    """Pick those that git has, or would add.

    Args:
        found: by bridge.

    Returns:
        what is wrong; and what could not be looked into, in sentences.
    """
    files = {each.file for those in found.values() for each in those}
    files = {file for file in files if file.is_file() and not is_encrypted(file)}
    if files and shutil.which("git") is None:
        return [], ["git is not installed here: nobody has looked which files it would publish."]
    known = {file for file in files if _git_knows(file)}
    problems = [
        Problem(
            "secrets",
            "is in clear text in a file that git keeps",
            "encrypt it by `ansible-vault encrypt_string`, or take it from the environment by "
            "lookup('ansible.builtin.env', 'NAME'); change it wherever it is used if somebody "
            "else may have seen it",
            variable=each.variable,
            file=short(each.file),
            line=each.line,
            bridges=(bridge,),
        )
        for bridge, those in found.items()
        for each in those
        if each.file in known
    ]
    return problems, []


def _secrets(value: Any, option: Option | None, path: tuple[str | int, ...]) -> Iterator[Any]:  # noqa: ANN401 - any value
    if isinstance(value, Mapping):
        options = option.options if option and option.options else {}
        for key, item in value.items():
            yield from _secrets(item, options.get(key), (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _secrets(item, option, (*path, index))
    elif option is not None and option.secret:
        yield path, value


def _is_text(value: Any) -> bool:  # noqa: ANN401 - any value
    return isinstance(value, str) and value != "" and not value.startswith(_HASH)


def _plain_marks(value: Any) -> Iterator[Mark]:  # noqa: ANN401 - any value
    """Find where texts begin that are no templates, nor encrypted, which are no texts."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _plain_marks(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _plain_marks(item)
    elif isinstance(value, str):
        is_template = is_trusted_as_template(value) and ("{{" in value or "{%" in value)
        mark = origin_mark(value)
        if mark is not None and not is_template:
            yield mark


def _git_knows(file: Path) -> bool:
    environment = {key: value for key, value in os.environ.items() if key not in _GIT_SETTINGS}
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(file.parent), "ls-files", "--cached",
         "--others", "--exclude-standard", "--", file.name],
        env=environment, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0 and bool(done.stdout)
