"""The lookup pvs_bridge.core.template: Ansible's own, without a copy of all variables."""

# ruff: noqa: E402 - Ansible wants a plugin's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
name: template
author: The pvs-bridge authors
version_added: "0.2.0"
short_description: Render a template of a role, without a deep copy of all variables
description:
  - Does what P(ansible.builtin.template#lookup) does. That one copies all variables of the host for
    each template, which takes most of the time of a bridge's files.
options:
  _terms:
    description: Paths of templates, looked up in the C(templates) folder of the role.
    required: true
  template_vars:
    description: Variables that the template gets in addition.
    type: dict
    default: {}
seealso:
  - plugin: ansible.builtin.template
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Configure a program
  pvs_bridge.core.managed_files:
    files:
      - dest: /etc/program.conf
        content: "{{ lookup('pvs_bridge.core.template', 'etc/program.conf.j2') }}"
"""

RETURN = r"""
_raw:
  description: The rendered texts.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

_ORIGINAL = "ansible.builtin.template"


class _Variables(dict[str, Any]):
    """Variables of which a deep copy is a shallow one, because templates change none of them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        """Return a plain mapping, to which the original adds variables of its own."""
        return dict(self)


class LookupModule(LookupBase):
    """Renders templates."""

    def run(
        self,
        terms: list[str],
        variables: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - the options
    ) -> list[str]:
        """Render templates.

        Args:
            terms: their paths.
            variables: the host's.
            kwargs: the options.

        Returns:
            the rendered texts.
        """
        original = lookup_loader.get(_ORIGINAL, loader=self._loader, templar=self._templar)
        rendered: list[str] = original.run(terms, _Variables(variables or {}), **kwargs)
        return rendered
