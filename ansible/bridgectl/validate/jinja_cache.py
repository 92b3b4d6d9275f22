"""Cache compiled templates for all Jinja environments of this process.

Ansible creates an environment for each template lookup, and with it loses the compiled templates
that all of them include. Compiling again would take half of the time of a fleet.
"""

from __future__ import annotations

import functools
from typing import Any

import jinja2


@functools.cache
def cache_compiled_templates() -> None:
    """Cache compiled templates by patching jinja2.Environment.compile."""
    compile_template = jinja2.Environment.compile
    cache: dict[tuple[object, ...], Any] = {}

    def compile_cached(
        environment: jinja2.Environment,
        source: Any,  # noqa: ANN401 - a string, or a syntax tree
        *others: Any,  # noqa: ANN401 - as in Jinja
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401 - a code object, independent of the environment
        if not isinstance(source, str):
            return compile_template(environment, source, *others, **options)
        # Ansible changes only these two options of an environment.
        settings = (type(environment), environment.trim_blocks, environment.lstrip_blocks)
        key = (settings, source, *others, *sorted(options.items()))
        if key not in cache:
            cache[key] = compile_template(environment, source, *others, **options)
        return cache[key]

    jinja2.Environment.compile = compile_cached  # type: ignore[method-assign, assignment]
