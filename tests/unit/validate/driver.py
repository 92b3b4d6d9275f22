"""Runs ``bridgectl validate`` repeatedly in one process, because loading Ansible takes a second.

Reads one request per line, ``{"folder": ..., "arguments": [...]}``, and prints one line for each.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "ansible"))

from bridgectl.commands.validate import run


def answer(request: dict[str, str | list[str]]) -> dict[str, int | str]:
    """Run the command once.

    Args:
        request: the current folder, and the arguments.

    Returns:
        exit status and output.
    """
    output, errors = io.StringIO(), io.StringIO()
    os.chdir(str(request["folder"]))
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            status = run(list(request["arguments"]))
        except Exception:
            traceback.print_exc()
            status = 1
    return {"status": status, "output": output.getvalue(), "errors": errors.getvalue()}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
