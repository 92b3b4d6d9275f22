"""Has Jinja compile each template once in this process, in whatever environment it is rendered.

Ansible makes an environment for each template that it looks up, and forgets with it what all of
them include: half of the time that a fleet takes.
"""

from __future__ import annotations

import functools
from typing import Any

import jinja2


@functools.cache
def compile_once() -> None:
    """Put a memory before Jinja's compiler, for as long as this process lives."""
    compiled = jinja2.Environment.compile
    known: dict[tuple[object, ...], Any] = {}

    def remembered(
        environment: jinja2.Environment,
        source: Any,  # noqa: ANN401 - a text, or a syntax tree
        *others: Any,  # noqa: ANN401 - its name and such, as Jinja has them
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 - code, which belongs to no environment
        if not isinstance(source, str):
            return compiled(environment, source, *others, **options)
        # Of what an environment can be told, Ansible changes these two from template to template.
        settings = (type(environment), environment.trim_blocks, environment.lstrip_blocks)
        key = (settings, source, *others, *sorted(options.items()))
        if key not in known:
            known[key] = compiled(environment, source, *others, **options)
        return known[key]

    jinja2.Environment.compile = remembered  # type: ignore[method-assign, assignment]
