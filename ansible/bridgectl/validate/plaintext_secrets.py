"""Find plaintext secrets in files that git would publish."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.template import is_trusted_as_template

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Path as ValuePath
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import origin_mark
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import SECRET_WORDS, Option
from bridgectl.errors import Issue, Location
from bridgectl.inventory.files import is_encrypted
from bridgectl.inventory.short_path import short
from bridgectl.validate.report import Finding

Mark = tuple[str, int, int]

_SECRET_WORDS = SECRET_WORDS | {"pass"}
# The first character of a password hash.
_HASH = "$"
# A repository may come from a stranger: git runs none of its programs, and fetches nothing. Hooks
# get variables of git that may be about another repository; they are left out.
_GIT = ("git", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "safe.directory=*",
        "-c", "safe.bareRepository=explicit")  # fmt: skip
_GIT_SETTINGS = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "", "GIT_OPTIONAL_LOCKS": "0"}


@dataclasses.dataclass(frozen=True)
class PlaintextSecret:
    """A secret in plaintext.

    Attributes:
        path: the variable, with its keys and list indexes.
        file: with the secret.
        line: of the secret.
    """

    path: ValuePath
    file: Path
    line: int


def plaintext_secrets(
    variables: Mapping[str, Any], rendered: Mapping[str, Any], options: Mapping[str, Option]
) -> Iterator[PlaintextSecret]:
    """Find a bridge's plaintext secrets in any file.

    Args:
        variables: all variables of the bridge in the play, as written.
        rendered: those that the roles read, rendered.
        options: the specs of the roles.
    """
    secrets = [
        pair
        for name, value in rendered.items()
        for pair in _secrets(value, options.get(name), (name,))
    ]
    # The user's own variables, and those of Ansible, such as ansible_become_password.
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
            yield PlaintextSecret(path, Path(mark[0]), mark[1])


def published_secrets(
    found: Mapping[str, Iterable[PlaintextSecret]],
) -> tuple[list[Finding], list[str]]:
    """Select the secrets in files that git tracks or would add.

    Args:
        found: by bridge.

    Returns:
        the findings; and notes if files could not be checked.
    """
    files = {each.file for those in found.values() for each in those}
    files = {file for file in files if file.is_file() and not is_encrypted(file)}
    if files and shutil.which("git") is None:
        return [], ["Plaintext secrets were not checked, because git is not installed."]
    known = {file for file in files if _is_in_git(file)}
    findings = [
        Finding(_published(each), "secrets", (bridge,))
        for bridge, those in found.items()
        for each in those
        if each.file in known
    ]
    return findings, []


def _published(secret: PlaintextSecret) -> Issue:
    return Issue(
        "is a plaintext secret in a file that git tracks",
        "encrypt it with `ansible-vault encrypt_string`, or read it from the environment with "
        "lookup('ansible.builtin.env', 'NAME'); change it if others may have seen it",
        Location(secret.path, short(secret.file), secret.line),
    )


def _secrets(value: Any, option: Option | None, path: ValuePath) -> Iterator[Any]:  # noqa: ANN401 - any value
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
    """Return the marks of strings that are not templates; encrypted values are not strings."""
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


def _is_in_git(file: Path) -> bool:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [*_GIT, "-C", str(file.parent), "ls-files", "--cached", "--others", "--exclude-standard",
         "--", file.name],
        env={**own, **_GIT_SETTINGS}, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0 and bool(done.stdout)
