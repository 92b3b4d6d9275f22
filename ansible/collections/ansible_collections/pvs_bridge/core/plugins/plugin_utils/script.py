"""Run a Python file on a host, without what Ansible adds to a module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


def run_script(
    action: ActionBase, python: str, file: Path, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Send a file to the host's Python, in one round trip, and have it call its ``main``.

    Args:
        action: the plugin that asks for it.
        python: the interpreter on the host.
        file: needs Python's standard library alone, and imports json.
        arguments: what ``main`` gets: values of JSON's types.

    Returns:
        the exit status as rc, stdout and stderr.

    Raises:
        AnsibleError: The host cannot be reached, or becoming root fails.
    """
    # A string in Python's notation, which JSON's own true and null are not.
    call = f"main(json.loads({json.dumps(arguments)!r}))\n"
    source = file.read_text("utf-8") + "\n\n" + call
    done: dict[str, Any] = action._low_level_execute_command(
        f"{python} -I -", in_data=source.encode()
    )
    return done
