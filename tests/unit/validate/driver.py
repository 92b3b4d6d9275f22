"""Runs ``ansible/validate.py`` again and again in one process, for Ansible takes a while to load.

Reads a request a line, ``{"folder": ..., "arguments": [...]}``, and answers with a line each.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "ansible"))

from bridgectl.commands.validate import main


def answer(request: dict[str, str | list[str]]) -> dict[str, int | str]:
    """Run it once.

    Args:
        request: the folder to be in, and the arguments.

    Returns:
        exit status, and what was printed.
    """
    output, errors = io.StringIO(), io.StringIO()
    os.chdir(str(request["folder"]))
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        status = main(list(request["arguments"]))
    return {"status": status, "output": output.getvalue(), "errors": errors.getvalue()}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
