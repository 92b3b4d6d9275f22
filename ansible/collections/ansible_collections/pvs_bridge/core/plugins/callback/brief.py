"""Ansible's default output, with each error once."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ansible.plugins.callback.default import CallbackModule as DefaultCallback

DOCUMENTATION = """
name: brief
type: stdout
short_description: Ansible's default output, with each error once
version_added: "0.2.0"
description:
  - Ansible shows the message of a failed task before the result, and again within it.
    M(pvs_bridge.core.preflight) also lists its errors for programs.
  - With C(-v), the output is that of the default callback.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""


class CallbackModule(DefaultCallback):  # type: ignore[misc] # Ansible has no types
    """Leaves out what the result shows too."""

    CALLBACK_NAME = "pvs_bridge.core.brief"

    def _handle_exception(
        self, result: MutableMapping[str, Any], use_stderr: bool = False
    ) -> None:
        """Show an error, unless the result has its message."""
        if self._display.verbosity == 0 and result.get("msg"):
            result.pop("exception", None)
        super()._handle_exception(result, use_stderr)

    def _dump_results(self, result: MutableMapping[str, Any], *args: Any, **options: Any) -> str:  # noqa: ANN401 - Ansible's
        """Write a result, without the list for programs if a person reads it."""
        if self._display.verbosity == 0 and self.get_option("result_format") == "yaml":
            result = {key: value for key, value in result.items() if key != "issues"}
        written: str = super()._dump_results(result, *args, **options)
        return written
