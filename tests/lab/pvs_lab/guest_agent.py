"""Run programs in a guest by QEMU's guest agent, which does not depend on the guest's network.

Programs get no standard input, and their output arrives when they have ended.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import Any

from pvs_lab.errors import LabError
from pvs_lab.process import wait_until

# A guest may boot while another one does.
_ANSWER_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 0.1
_BOOT_TIMEOUT_SECONDS = 600
_KNOCK_TIMEOUT_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a program.

    Attributes:
        status: its exit status, or 128 and the number of the signal that ended it.
        output: what it printed.
        errors: what it printed as errors.
    """

    status: int
    output: bytes
    errors: bytes


def run(agent: Path, command: list[str]) -> Outcome:
    """Run a program in the guest and wait until it has ended.

    Args:
        agent: QEMU's socket that leads to the agent.
        command: program and arguments.

    Raises:
        LabError: the guest does not answer, or was switched off or rebooted meanwhile.
    """
    started = _call(agent, "guest-exec", {
        "path": command[0], "arg": command[1:], "capture-output": True,
    })  # fmt: skip
    while not (found := _call(agent, "guest-exec-status", started))["exited"]:
        time.sleep(_POLL_SECONDS)
    return Outcome(
        found["exitcode"] if "exitcode" in found else 128 + found["signal"],
        base64.b64decode(found.get("out-data", "")),
        base64.b64decode(found.get("err-data", "")),
    )


def wait_for(agent: Path, console: Path, timeout_seconds: float = _BOOT_TIMEOUT_SECONDS) -> None:
    """Wait until the agent answers.

    Args:
        agent: QEMU's socket that leads to the agent.
        console: what the guest has written is here.
        timeout_seconds: how long at most.

    Raises:
        LabError: it takes too long; the console's last lines are in the message.
    """

    def answers() -> bool:
        with contextlib.suppress(LabError):
            _call(agent, "guest-ping", {}, timeout_seconds=_KNOCK_TIMEOUT_SECONDS)
            return True
        return False

    if not wait_until(answers, timeout_seconds):
        said = console.read_text(errors="replace") if console.exists() else ""
        raise LabError(
            f"the lab's Pi runs no programs within {timeout_seconds:.0f} s\n{said[-2000:]}",
            "the console above says how far it came",
        )


def _call(
    agent: Path,
    name: str,
    arguments: dict[str, Any],
    *,
    timeout_seconds: float = _ANSWER_TIMEOUT_SECONDS,
) -> dict[str, Any]:
    """Have the agent do one thing; a connection each, so that commands may run side by side."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(str(agent))
            with connection.makefile("rwb") as stream:
                _synchronize(stream)
                stream.write(_line(name, arguments))
                stream.flush()
                answer = json.loads(stream.readline() or b"{}")
    except OSError as error:
        raise LabError(
            f"the bridge's guest agent does not answer: {error}",
            "wait until the bridge has booted; its console is log/bridge.log of the lab",
        ) from None
    if "return" not in answer:
        raise LabError(
            f"the bridge's guest agent refused {name}: {answer.get('error', 'it was cut off')}",
            "try again; a bridge that was rebooted no longer knows what it ran before",
        )
    result: dict[str, Any] = answer["return"]
    return result


def _synchronize(stream: Any) -> None:  # noqa: ANN401 - what makefile() returns
    """Skip answers to commands of an earlier connection."""
    token = secrets.randbelow(2**31)
    # The first byte makes the agent drop an incomplete request; the same byte marks its answer.
    stream.write(b"\xff" + _line("guest-sync-delimited", {"id": token}))
    stream.flush()
    while line := stream.readline():
        _, mark, answer = line.rpartition(b"\xff")
        if mark and json.loads(answer).get("return") == token:
            return
    raise ConnectionResetError("it hung up")


def _line(name: str, arguments: dict[str, Any]) -> bytes:
    return json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n"


def main() -> int:
    """Run the command of the arguments, AGENT COMMAND..., as if it ran here."""
    try:
        outcome = run(Path(sys.argv[1]), sys.argv[2:])
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(outcome.output)
    sys.stdout.flush()
    sys.stderr.buffer.write(outcome.errors)
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
