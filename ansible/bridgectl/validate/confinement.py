"""Validate a stranger's inventory: its templates run no program, and read no file and no secret.

Ansible trusts inventories: their templates may run programs by lookups, and read files and the
environment by lookups, filters and tests. Here these plugins are refused by the loaders of plugins,
through which each template gets them, whatever name it uses. Jinja's own sandbox, which Ansible
uses, keeps templates away from Python.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.parsing.vault import EncryptedString
from ansible.plugins.loader import filter_loader, lookup_loader, test_loader

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    environment_lookup,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import with_origin
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import Option
from bridgectl.errors import IssueError
from bridgectl.paths import PROJECT

LOOKUPS = frozenset({"dict", "env", "vars"})
"""What an inventory may look up."""

REFUSED = {
    "filter": frozenset({"expanduser", "expandvars", "fileglob", "realpath"}),
    "test": frozenset({
        *("directory", "exists", "file", "is_dir", "is_file", "is_link", "is_mount"),
        *("is_same_file", "link", "link_exists", "mount", "same_file", "vaulted_file"),
    }),
}  # fmt: skip
"""Filters and tests that read files or the environment."""

_ROLE_LOOKUPS = frozenset({"file", "pvs_bridge.core.template", "template"})
_ROLE_FILES = (PROJECT / "roles", PROJECT / "templates")
# What the checkers and git need. A lookup of env finds no others.
_ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "XDG_CONFIG_HOME")
_HINT = "write the value itself, encrypt it with ansible-vault, or read it with lookup('env', ...)"


class RefusedError(IssueError):
    """A template uses a plugin that reads or runs what is outside of the inventory."""


@contextlib.contextmanager
def confined() -> Iterator[None]:
    """Refuse what an inventory must not do, as long as this context lasts."""
    environment = dict(os.environ)
    kept = {name: environment[name] for name in _ENVIRONMENT if name in environment}
    loaders = {"lookup": lookup_loader, "filter": filter_loader, "test": test_loader}
    originals = {kind: loader.get for kind, loader in loaders.items()}

    def get_lookup(name: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        short = _short(name)
        if short not in LOOKUPS | _ROLE_LOOKUPS:
            raise _refused("lookup", name)
        plugin = originals["lookup"](name, *args, **options)
        if short in _ROLE_LOOKUPS:
            _confine_to_roles(plugin, name)
        return plugin

    def get(kind: str, name: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        if _short(name) in REFUSED[kind]:
            raise _refused(kind, name)
        return originals[kind](name, *args, **options)

    lookup_loader.get = get_lookup
    filter_loader.get = lambda *args, **options: get("filter", *args, **options)
    test_loader.get = lambda *args, **options: get("test", *args, **options)
    os.environ.clear()
    os.environ.update(kept)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        for loader in loaders.values():
            del loader.get


def _short(name: str) -> str:
    return name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")


def _refused(kind: str, name: str) -> RefusedError:
    problem = f"uses the {kind} {name}, which make validate does not run in inventories"
    return RefusedError(problem, _HINT)


def _confine_to_roles(plugin: Any, name: str) -> None:  # noqa: ANN401 - a lookup plugin
    """Let a lookup find files of the roles only, through whose tasks it is used."""
    find = plugin.find_file_in_search_path

    def find_in_roles(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - Ansible's
        found = find(*args, **options)
        if found and not any(Path(found).resolve().is_relative_to(each) for each in _ROLE_FILES):
            raise _refused("lookup", name)
        return found

    plugin.find_file_in_search_path = find_in_roles


def with_environment(
    variables: Mapping[str, Any], options: Mapping[str, Option], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Fill in the secrets that are read from environment variables.

    Only secrets, because others are shown; and only whole ones, because a condition on a part of
    one would show it bit by bit.

    Args:
        variables: of a bridge, as written.
        options: the specs of the roles.
        environment: the environment variables.
    """

    def filled(value: Any, option: Option | None) -> Any:  # noqa: ANN401 - any value
        if option is None or not option.holds_secrets or isinstance(value, EncryptedString):
            return value
        if isinstance(value, Mapping):
            # A secret mapping consists of secrets.
            inner = option.options or dict.fromkeys(value, option)
            items = {key: filled(each, inner.get(key)) for key, each in value.items()}
            return with_origin(items, value)
        if isinstance(value, (list, tuple)):
            return with_origin([filled(each, option) for each in value], value)
        name = environment_lookup(value, variables)
        if not option.secret or name is None or name not in environment:
            return value
        return with_origin(environment[name], value)

    return {name: filled(value, options.get(name)) for name, value in variables.items()}
