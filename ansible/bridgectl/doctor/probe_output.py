"""Parse the output of probe.sh."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_END = re.compile(r"@(.+) (\d+)")


@dataclasses.dataclass(frozen=True)
class CommandOutput:
    """The output of one command.

    Attributes:
        status: its exit status; 124 after a timeout.
        text: standard output and standard error, without surrounding white space.
    """

    status: int
    text: str

    @property
    def good(self) -> str | None:
        """The text if the command has succeeded, else None."""
        return self.text if self.status == 0 else None


MISSING = CommandOutput(127, "")


class ProbeOutput:
    """The outputs of all commands of one probe."""

    def __init__(self, outputs: Mapping[str, CommandOutput]) -> None:
        """Keep the outputs by name."""
        self._outputs = outputs

    @classmethod
    def read(cls, text: str) -> ProbeOutput:
        """Parse the output of ``probe.sh``; outputs are missing if the connection broke.

        Args:
            text: the whole output.
        """
        outputs: dict[str, CommandOutput] = {}
        lines: list[str] = []
        for line in text.splitlines():
            end = _END.fullmatch(line)
            if end:
                outputs[end[1]] = CommandOutput(int(end[2]), "\n".join(lines).strip())
                lines = []
            elif line.startswith(" "):
                lines.append(line[1:])
        return cls(outputs)

    def __iter__(self) -> Iterator[tuple[str, CommandOutput]]:
        """Iterate over all outputs in their order."""
        return iter(self._outputs.items())

    def __getitem__(self, name: str) -> CommandOutput:
        """Return an output; a missing one counts as failed."""
        return self._outputs.get(name, MISSING)

    def number(self, name: str) -> float | None:
        """Return the first number of an output; None if it has none."""
        found = re.search(r"-?\d+(\.\d+)?", self[name].good or "")
        return float(found[0]) if found else None

    def json(self, name: str) -> list[dict[str, Any]] | None:
        """Return the output of ``ip -json``; None if it is not valid.

        Old versions also print empty objects.
        """
        try:
            entries = json.loads(self[name].good or "failed")
        except ValueError:
            return None
        if not isinstance(entries, list):
            return None
        return [entry for entry in entries if isinstance(entry, dict) and entry]

    def services(self) -> dict[str, dict[str, str]]:
        """Return the properties of the installed services, by name."""
        found = {}
        for paragraph in (self["services"].good or "").split("\n\n"):
            fields = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
            name = fields.get("Id", "").removesuffix(".service")
            if name and fields.get("LoadState") == "loaded":
                found[name] = fields
        return found
