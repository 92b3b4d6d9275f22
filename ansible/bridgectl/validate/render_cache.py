"""Renders templates as Ansible does, and each of them once for the same values.

Bridges are alike, and a text takes Ansible up to a tenth of a second. So what a template can look
at is read out of Jinja's own syntax tree: where all of it has the same values as before, the text
is the same too. What cannot be foreseen, such as a lookup of another kind, is rendered each time.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import jinja2.nodes
from ansible.errors import AnsibleError, AnsibleValueOmittedError
from ansible.template import Templar, is_trusted_as_template

from bridgectl.validate.jinja_cache import compile_once

_OMITTED = object()
_MARKS = ("{{", "{%", "{#")
# Names through which a template could see everything.
WINDOWS = frozenset({"hostvars", "vars"})
_LOOKUPS = frozenset({"lookup", "query", "q"})
_TEMPLATE_LOOKUPS = frozenset({"pvs_bridge.core.template", "ansible.builtin.template", "template"})
# They read a file of the role, which is the same for every bridge.
_FILE_LOOKUPS = frozenset({"ansible.builtin.file", "file"})


class _UnforeseenError(Exception):
    """A template may look at more than its text shows."""


@dataclasses.dataclass(frozen=True)
class _Look:
    """What a text looks at.

    Attributes:
        names: the variables in it.
        includes: other templates that it names.
        lookups: templates that it looks up, each by the expression of its path.
    """

    names: frozenset[str]
    includes: tuple[str, ...]
    lookups: tuple[jinja2.nodes.Expr, ...]


class _Everything(dict[str, Any]):
    """Jinja's own filters or tests, and a place for each one that Ansible adds."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - a function
        return _unforeseen

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401, ARG002 - as dict has it
        return self[name]


def _unforeseen(*_: object, **__: object) -> None:
    """Stand in the place of what only Ansible can work out."""
    raise _UnforeseenError


class Scope:
    """What the tasks of one role see for one bridge.

    Attributes:
        variables: as written, or of the plain types where they are rendered.
    """

    def __init__(self, variables: Mapping[str, Any], search_path: list[str]) -> None:
        """Begin with nothing rendered.

        Args:
            variables: the bridge's.
            search_path: where the task looks for templates and files, its role first.
        """
        self.variables = {**variables, "ansible_search_path": search_path}
        self.search_path = tuple(search_path)
        self._plain: dict[str, Any] = {}

    def plain(self, name: str, memory: Memory) -> Any:  # noqa: ANN401 - any variable
        """Return a variable's value, rendered.

        Raises:
            _UnforeseenError: It cannot be rendered by itself.
        """
        if name not in self._plain:
            # Whoever refers to itself is found out here.
            self._plain[name] = _OMITTED
            with contextlib.suppress(AnsibleError):
                self._plain[name] = memory.render(self.variables[name], self)
        if self._plain[name] is _OMITTED:
            raise _UnforeseenError
        return self._plain[name]


class Memory:
    """Renders, and remembers."""

    def __init__(self, loader: Any) -> None:  # noqa: ANN401 - a DataLoader
        """Begin with nothing remembered."""
        compile_once()
        self._loader = loader
        self._jinja = jinja2.Environment(trim_blocks=True)  # noqa: S701 - it only reads syntax
        self._jinja.filters = _Everything(self._jinja.filters)
        self._jinja.tests = _Everything(self._jinja.tests)
        self._looks: dict[str, _Look] = {}
        self._known: dict[tuple[object, ...], Any] = {}

    def render(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any value
        """Render a value and everything in it.

        Args:
            value: as written.
            scope: what it may refer to.

        Returns:
            the same in plain types, without what asks to be omitted.

        Raises:
            AnsibleError: It cannot be rendered.
        """
        rendered = self._render(value, scope)
        if rendered is _OMITTED:
            raise AnsibleValueOmittedError
        return rendered

    def holds(self, condition: Any, scope: Scope) -> bool:  # noqa: ANN401 - a task's when
        """Tell whether a task's condition holds.

        Raises:
            AnsibleError: It cannot be told.
        """
        if isinstance(condition, bool):
            return condition
        text = f"{{{{ {condition} }}}}"
        return bool(
            self._remembered(text, scope, lambda each: each.evaluate_conditional(condition))
        )

    def _render(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any value
        if isinstance(value, Mapping):
            items = {_plain(key): self._render(each, scope) for key, each in value.items()}
            return {key: each for key, each in items.items() if each is not _OMITTED}
        if isinstance(value, (list, tuple)):
            rendered = [self._render(each, scope) for each in value]
            return [each for each in rendered if each is not _OMITTED]
        if not _is_template(value):
            return _plain(value)
        return self._remembered(value, scope, lambda each: _plain(each.template(value)))

    def _remembered(self, text: str, scope: Scope, work: Any) -> Any:  # noqa: ANN401 - a function
        """Do some work with a Templar, unless it was done for the same values before."""
        try:
            names = sorted(self._names(text, scope))
            seen = {name: scope.plain(name, self) for name in names if name in scope.variables}
        except (_UnforeseenError, jinja2.TemplateError, RecursionError):
            return self._work(work, scope.variables)
        key = (text, scope.search_path, repr(seen))
        if key not in self._known:
            seen["ansible_search_path"] = list(scope.search_path)
            self._known[key] = self._work(work, seen)
        return self._known[key]

    def _work(self, work: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a function
        try:
            return work(Templar(self._loader, variables=dict(variables)))
        except AnsibleValueOmittedError:
            return _OMITTED

    def _names(self, text: str, scope: Scope, folder: Path | None = None) -> set[str]:
        """Name every variable that a text looks at, itself or through other templates."""
        look = self._look(text)
        if look.names & WINDOWS:
            raise _UnforeseenError
        names = set(look.names)
        for include in look.includes:
            names |= self._names_of_file(self._find(include, scope, folder), scope)
        for expression in look.lookups:
            path = self._value_of(expression, scope)
            names |= self._names_of_file(self._find(path, scope, None), scope)
        return names

    def _names_of_file(self, file: Path, scope: Scope) -> set[str]:
        text = self._loader.get_text_file_contents(str(file))
        return self._names(str(text), scope, file.parent)

    def _find(self, name: str, scope: Scope, folder: Path | None) -> Path:
        folders = [folder] if folder else []
        folders += [Path(each) / "templates" for each in scope.search_path]
        for each in folders:
            if (each / name).is_file():
                return each / name
        raise _UnforeseenError

    def _value_of(self, expression: jinja2.nodes.Expr, scope: Scope) -> str:
        """Work out an expression with Jinja alone."""
        if isinstance(expression, jinja2.nodes.Const):
            return str(expression.value)
        output = jinja2.nodes.Output([expression], lineno=1)
        template = jinja2.nodes.Template([output], lineno=1)
        template.set_environment(self._jinja)
        names = jinja2.meta.find_undeclared_variables(template)
        seen = {name: scope.plain(name, self) for name in names if name in scope.variables}
        return self._jinja.from_string(template).render(seen)

    def _look(self, text: str) -> _Look:
        if text not in self._looks:
            tree = self._jinja.parse(text)
            includes = tuple(jinja2.meta.find_referenced_templates(tree))
            if None in includes:
                raise _UnforeseenError
            self._looks[text] = _Look(
                frozenset(jinja2.meta.find_undeclared_variables(tree)),
                tuple(each for each in includes if each),
                tuple(_template_lookups(tree)),
            )
        return self._looks[text]


def _template_lookups(tree: jinja2.nodes.Template) -> Iterator[jinja2.nodes.Expr]:
    for call in tree.find_all(jinja2.nodes.Call):
        if not isinstance(call.node, jinja2.nodes.Name) or call.node.name not in _LOOKUPS:
            continue
        kind = call.args[0] if call.args else None
        if not isinstance(kind, jinja2.nodes.Const) or len(call.args) != 2:
            raise _UnforeseenError
        if kind.value in _TEMPLATE_LOOKUPS:
            yield call.args[1]
        elif kind.value not in _FILE_LOOKUPS:
            raise _UnforeseenError


def _is_template(value: Any) -> bool:  # noqa: ANN401 - any value
    return (
        isinstance(value, str)
        and any(mark in value for mark in _MARKS)
        and is_trusted_as_template(value)
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value
    """Take the tags off that Ansible puts on values: they are slow to copy, and tell of files."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        # What is tagged is a subclass, of which str() would return the very same.
        return "".join(value)
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    return value
