"""Ansible's default output, with each error once."""

from __future__ import annotations

import textwrap
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

EXAMPLES = """
# In ansible.cfg:
# [defaults]
# stdout_callback = pvs_bridge.core.brief
"""

# Of a failed task: what its message says, or what does not explain the failure.
_IN_MESSAGE = (
    "assertion",
    "changed",
    "evaluated_to",
    "exception",
    "issues",
    "msg",
    "warnings",
)


class CallbackModule(DefaultCallback):  # type: ignore[misc] # Ansible has no types
    """Leaves out what the result shows too."""

    CALLBACK_NAME = "pvs_bridge.core.brief"
    _shows_failure = False

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ANN401 - Ansible's
        """Show a failed task."""
        self._shows_failure = self._display.verbosity == 0
        super().v2_runner_on_failed(result, ignore_errors)
        self._shows_failure = False

    def _handle_exception(self, result: MutableMapping[str, Any], use_stderr: bool = False) -> None:
        """Show an error, unless the result has its message."""
        if self._shows_failure and result.get("msg"):
            result.pop("exception", None)
        super()._handle_exception(result, use_stderr)

    def _dump_results(self, result: MutableMapping[str, Any], *args: Any, **options: Any) -> str:  # noqa: ANN401 - Ansible's
        """Write a result; the message of a failed task as it is, without the list for programs."""
        message = result.get("msg")
        if not (self._shows_failure and message and self.get_option("result_format") == "yaml"):
            return str(super()._dump_results(result, *args, **options))
        text = "\n" + textwrap.indent(str(message), "    ")
        rest = {
            key: value
            for key, value in result.items()
            if key not in _IN_MESSAGE and not key.startswith("_ansible")
        }
        return text + (super()._dump_results(rest, *args, **options) if rest else "")
