"""Roles: what they say about themselves is whole, and agrees with what they do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lint.project import ROLES, ROOT, load_yaml, role_name, run, texts

# Its two variables say what the bridge is; they are older than the name of the role.
_PUBLIC_PREFIXES = {"common": "bridge_"}

each_role = pytest.mark.parametrize("role", ROLES, ids=role_name)


def options_of(role: Path) -> dict[str, Any]:
    """Return the options of every entry point of a role."""
    specs = load_yaml(role / "meta/argument_specs.yml")["argument_specs"]
    return {
        name: option
        for entry_point in specs.values()
        for name, option in (entry_point.get("options") or {}).items()
    }


def defaults_of(role: Path) -> dict[str, Any]:
    """Return the defaults of a role."""
    file = role / "defaults/main.yml"
    return (load_yaml(file) or {}) if file.is_file() else {}


def undescribed(options: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """Name the options, and the options within options, that nothing is said about."""
    for name, option in options.items():
        if not option.get("description"):
            yield f"{within}{name}"
        yield from undescribed(option.get("options") or {}, f"{within}{name}.")


def internal_names(tree: Any) -> Iterator[str]:  # noqa: ANN401 - YAML holds anything
    """Find the names that tasks make: registered results and facts that are set."""
    if isinstance(tree, list):
        for item in tree:
            yield from internal_names(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key == "register":
                yield value
            elif key in ("ansible.builtin.set_fact", "set_fact"):
                # Ansible's own say where a host is, and have to keep their names.
                own = ("cacheable", "ansible_host", "ansible_ssh_extra_args")
                yield from (name for name in value if name not in own)
            else:
                yield from internal_names(value)


@each_role
@pytest.mark.parametrize("file", ["README.md", "meta/main.yml", "meta/argument_specs.yml"])
def test_it_has_what_every_role_has(role: Path, file: str) -> None:
    assert (role / file).is_file()


@each_role
def test_every_default_is_in_the_argument_spec(role: Path) -> None:
    assert set(defaults_of(role)) - set(options_of(role)) == set()


@each_role
def test_the_argument_spec_has_the_same_defaults(role: Path) -> None:
    promised = {
        name: option["default"] for name, option in options_of(role).items() if "default" in option
    }
    # Written out, for Python takes 1 for true.
    assert {name: repr(value) for name, value in promised.items()} == {
        name: repr(value) for name, value in defaults_of(role).items()
    }


@each_role
def test_every_variable_is_described(role: Path) -> None:
    assert list(undescribed(options_of(role))) == []


@each_role
def test_public_variables_begin_with_the_name_of_the_role(role: Path) -> None:
    names = {*options_of(role), *defaults_of(role)}
    prefix = _PUBLIC_PREFIXES.get(role.name, f"{role.name}_")
    assert [name for name in sorted(names) if not name.startswith(prefix)] == []


@each_role
def test_internal_names_begin_with_two_underscores_and_the_name_of_the_role(role: Path) -> None:
    names = [
        name
        for folder in ("handlers", "tasks")
        for file in sorted((role / folder).glob("**/*.yml"))
        for name in internal_names(load_yaml(file))
    ]
    for file in sorted((role / "vars").glob("**/*.yml")):
        names += load_yaml(file)
    assert [name for name in names if not name.startswith(f"__{role.name}")] == []


@each_role
@pytest.mark.parametrize("kind", ["files", "templates"])
def test_what_it_installs_mirrors_the_path_on_the_pi(role: Path, kind: str) -> None:
    folder = role / kind
    paths = [path.relative_to(folder) for path in folder.glob("**/*") if path.is_file()]
    # The agent is copied as one tree.
    assert [str(path) for path in paths if path.parts[0] not in ("etc", "usr", "pvs_bridge")] == []


@each_role
def test_every_template_is_named_as_one(role: Path) -> None:
    paths = [path for path in (role / "templates").glob("**/*") if path.is_file()]
    assert [str(path.relative_to(role)) for path in paths if path.suffix != ".j2"] == []


def test_the_tables_of_variables_in_the_readmes_are_fresh() -> None:
    run("python", "-m", "bridgectl", "docs", "--check")


def private_names(role: Path) -> set[tuple[str, str]]:
    """Find the private variables in a role: the file and the name."""
    return {
        (str(path.relative_to(ROOT)), name)
        for folder in ("defaults", "handlers", "meta", "tasks", "templates", "vars")
        for path in (role / folder).glob("**/*")
        if path.is_file()
        for name in re.findall(r"(?<![\w.])__[a-z]\w*(?<!__)\b", path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("role", [each for each in ROLES if each.name != "common"], ids=role_name)
def test_it_reads_the_private_variables_of_other_roles_only_through_common(role: Path) -> None:
    own = ("__common_", f"__{role.name}_")
    assert [each for each in sorted(private_names(role)) if not each[1].startswith(own)] == []


def _role_imports(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - YAML holds anything
    """Find the tasks that import a role."""
    if isinstance(tree, list):
        for item in tree:
            yield from _role_imports(item)
    elif isinstance(tree, dict):
        if "ansible.builtin.import_role" in tree:
            yield tree
        for value in tree.values():
            yield from _role_imports(value)


def test_no_condition_of_an_import_reaches_handlers() -> None:
    """The handlers of an imported role inherit its ``when``, and replace those that it has not.

    One bridge that had nothing to change once kept haproxy of all others from its configuration.
    """
    files = [*ROOT.glob("ansible/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    imports = [(file, task) for file in files for task in _role_imports(load_yaml(file))]
    assert imports
    assert [
        f"{file.relative_to(ROOT)}: {task['name']}"
        for file, task in imports
        if "when" in task
        and (ROOT / "roles" / task["ansible.builtin.import_role"]["name"] / "handlers").is_dir()
    ] == []


def test_no_list_comes_from_a_set_whose_order_varies() -> None:
    # The next run would write the list in another order. intersect may tell whether it is empty.
    sets = re.compile(r"\|\s*(union|difference|symmetric_difference)\(")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[1]}"
        for path, text in texts()
        if path.is_relative_to(ROOT / "roles") and path.suffix in {".yml", ".j2"}
        for number, line in enumerate(text.splitlines(), 1)
        for match in sets.finditer(line)
    ]
    assert found == []
