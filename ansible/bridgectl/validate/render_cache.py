"""Render templates as Ansible does, but only once for the same values.

Most bridges are similar, and Ansible needs up to 0.1 s for a template. Jinja's syntax tree shows
which variables a template reads. If all have the same values as before, the result is the same.
Templates whose inputs are not known in advance, such as other lookups, are rendered each time.
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

from bridgectl.validate.jinja_cache import cache_compiled_templates

_OMITTED = object()
_MARKS = ("{{", "{%", "{#")
# Variables through which a template can read all others.
ALL_VARIABLES = frozenset({"hostvars", "vars"})
_LOOKUPS = frozenset({"lookup", "query", "q"})
_TEMPLATE_LOOKUPS = frozenset({"pvs_bridge.core.template", "ansible.builtin.template", "template"})
# They read a file of the role, which is the same for every bridge.
_FILE_LOOKUPS = frozenset({"ansible.builtin.file", "file"})


class _UnknownInputsError(Exception):
    """A template may read more than its text shows."""


@dataclasses.dataclass(frozen=True)
class _Inputs:
    """What a template reads.

    Attributes:
        names: variables.
        includes: names of included templates.
        lookups: expressions of the paths of templates that it looks up.
    """

    names: frozenset[str]
    includes: tuple[str, ...]
    lookups: tuple[jinja2.nodes.Expr, ...]


class _AnyName(dict[str, Any]):
    """Jinja's own filters or tests, and a stub for each one that Ansible adds."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - a function
        return _only_in_ansible

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401, ARG002 - as dict has it
        return self[name]


def _only_in_ansible(*_: object, **__: object) -> None:
    """Replace a filter or test that only Ansible has."""
    raise _UnknownInputsError


class Scope:
    """The variables of one bridge in the tasks of one role.

    Attributes:
        variables: as written, or of plain types if rendered.
    """

    def __init__(self, variables: Mapping[str, Any], search_path: list[str]) -> None:
        """Create a scope without rendered variables.

        Args:
            variables: the bridge's.
            search_path: the task's folders of templates and files, its role first.
        """
        self.variables = {**variables, "ansible_search_path": search_path}
        self.search_path = tuple(search_path)
        self._plain: dict[str, Any] = {}

    def plain(self, name: str, cache: RenderCache) -> Any:  # noqa: ANN401 - any variable
        """Return a variable's value, rendered.

        Raises:
            _UnknownInputsError: it cannot be rendered by itself.
        """
        if name not in self._plain:
            # Detects a variable that refers to itself.
            self._plain[name] = _OMITTED
            with contextlib.suppress(AnsibleError):
                self._plain[name] = cache.render(self.variables[name], self)
        if self._plain[name] is _OMITTED:
            raise _UnknownInputsError
        return self._plain[name]


class RenderCache:
    """Renders templates, and keeps the results."""

    def __init__(self, loader: Any) -> None:  # noqa: ANN401 - a DataLoader
        """Create an empty cache."""
        cache_compiled_templates()
        self._loader = loader
        self._jinja = jinja2.Environment(trim_blocks=True)  # noqa: S701 - only parses
        self._jinja.filters = _AnyName(self._jinja.filters)
        self._jinja.tests = _AnyName(self._jinja.tests)
        self._inputs_of: dict[str, _Inputs] = {}
        self._results: dict[tuple[object, ...], Any] = {}

    def render(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any value
        """Render a value and everything in it.

        Args:
            value: as written.
            scope: the variables that it may refer to.

        Returns:
            the value in plain types, without omitted parts.

        Raises:
            AnsibleError: it cannot be rendered.
        """
        rendered = self._render(value, scope)
        if rendered is _OMITTED:
            raise AnsibleValueOmittedError
        return rendered

    def is_true(self, condition: Any, scope: Scope) -> bool:  # noqa: ANN401 - a task's when
        """Evaluate a task's condition.

        Raises:
            AnsibleError: it cannot be evaluated.
        """
        if isinstance(condition, bool):
            return condition
        text = f"{{{{ {condition} }}}}"
        return bool(self._cached(text, scope, lambda each: each.evaluate_conditional(condition)))

    def _render(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any value
        if isinstance(value, Mapping):
            items = {_plain(key): self._render(each, scope) for key, each in value.items()}
            return {key: each for key, each in items.items() if each is not _OMITTED}
        if isinstance(value, (list, tuple)):
            rendered = [self._render(each, scope) for each in value]
            return [each for each in rendered if each is not _OMITTED]
        if not _is_template(value):
            return _plain(value)
        return self._cached(value, scope, lambda each: _plain(each.template(value)))

    def _cached(self, text: str, scope: Scope, function: Any) -> Any:  # noqa: ANN401 - a function
        """Call a function with a Templar, or return the result for the same values."""
        try:
            names = sorted(self._names(text, scope))
            values = {name: scope.plain(name, self) for name in names if name in scope.variables}
        except (_UnknownInputsError, jinja2.TemplateError, RecursionError):
            return self._call(function, scope.variables)
        key = (text, scope.search_path, repr(values))
        if key not in self._results:
            values["ansible_search_path"] = list(scope.search_path)
            self._results[key] = self._call(function, values)
        return self._results[key]

    def _call(self, function: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a function
        try:
            return function(Templar(self._loader, variables=dict(variables)))
        except AnsibleValueOmittedError:
            return _OMITTED

    def _names(self, text: str, scope: Scope, folder: Path | None = None) -> set[str]:
        """Return all variables that a template reads, directly or through other templates."""
        inputs = self._inputs(text)
        if inputs.names & ALL_VARIABLES:
            raise _UnknownInputsError
        names = set(inputs.names)
        for include in inputs.includes:
            names |= self._names_of_file(self._find(include, scope, folder), scope)
        for expression in inputs.lookups:
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
        raise _UnknownInputsError

    def _value_of(self, expression: jinja2.nodes.Expr, scope: Scope) -> str:
        """Evaluate an expression with Jinja alone."""
        if isinstance(expression, jinja2.nodes.Const):
            return str(expression.value)
        output = jinja2.nodes.Output([expression], lineno=1)
        template = jinja2.nodes.Template([output], lineno=1)
        template.set_environment(self._jinja)
        names = jinja2.meta.find_undeclared_variables(template)
        values = {name: scope.plain(name, self) for name in names if name in scope.variables}
        return self._jinja.from_string(template).render(values)

    def _inputs(self, text: str) -> _Inputs:
        if text not in self._inputs_of:
            tree = self._jinja.parse(text)
            includes = tuple(jinja2.meta.find_referenced_templates(tree))
            if None in includes:
                raise _UnknownInputsError
            self._inputs_of[text] = _Inputs(
                frozenset(jinja2.meta.find_undeclared_variables(tree)),
                tuple(each for each in includes if each),
                tuple(_template_lookups(tree)),
            )
        return self._inputs_of[text]


def _template_lookups(tree: jinja2.nodes.Template) -> Iterator[jinja2.nodes.Expr]:
    for call in tree.find_all(jinja2.nodes.Call):
        if not isinstance(call.node, jinja2.nodes.Name) or call.node.name not in _LOOKUPS:
            continue
        kind = call.args[0] if call.args else None
        if not isinstance(kind, jinja2.nodes.Const) or len(call.args) != 2:
            raise _UnknownInputsError
        if kind.value in _TEMPLATE_LOOKUPS:
            yield call.args[1]
        elif kind.value not in _FILE_LOOKUPS:
            raise _UnknownInputsError


def _is_template(value: Any) -> bool:  # noqa: ANN401 - any value
    return (
        isinstance(value, str)
        and any(mark in value for mark in _MARKS)
        and is_trusted_as_template(value)
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value
    """Remove the tags that Ansible adds to values, because they are slow to copy."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        # str() would return a tagged subclass unchanged.
        return "".join(value)
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    return value
