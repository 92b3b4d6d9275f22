"""What the Pi has said in one go, read."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_END = re.compile(r"@(.+) (\d+)")


@dataclasses.dataclass(frozen=True)
class Said:
    """One answer.

    Attributes:
        status: the exit status of what was asked; 124 where it took too long.
        text: what it printed, errors included, without white space around it.
    """

    status: int
    text: str

    @property
    def good(self) -> str | None:
        """The text, where the program has succeeded; else None."""
        return self.text if self.status == 0 else None


NOTHING = Said(127, "")


class Recording:
    """All answers of one probe."""

    def __init__(self, answers: Mapping[str, Said]) -> None:
        """Take the answers by their names."""
        self._answers = answers

    @classmethod
    def read(cls, text: str) -> Recording:
        """Read what ``probe.sh`` prints; one that broke off has fewer answers.

        Args:
            text: all of it.
        """
        answers: dict[str, Said] = {}
        lines: list[str] = []
        for line in text.splitlines():
            end = _END.fullmatch(line)
            if end:
                answers[end[1]] = Said(int(end[2]), "\n".join(lines).strip())
                lines = []
            elif line.startswith(" "):
                lines.append(line[1:])
        return cls(answers)

    def __iter__(self) -> Iterator[tuple[str, Said]]:
        """Go through all answers, in the order in which they came."""
        return iter(self._answers.items())

    def __getitem__(self, name: str) -> Said:
        """Return an answer; one that is missing has failed."""
        return self._answers.get(name, NOTHING)

    def number(self, name: str) -> float | None:
        """Return the first number of an answer; None where there is none."""
        found = re.search(r"-?\d+(\.\d+)?", self[name].good or "")
        return float(found[0]) if found else None

    def json(self, name: str) -> list[dict[str, Any]] | None:
        """Return what ``ip -json`` has said; None where it has said something else.

        Old versions print empty objects among the others.
        """
        try:
            entries = json.loads(self[name].good or "nothing")
        except ValueError:
            return None
        if not isinstance(entries, list):
            return None
        return [entry for entry in entries if isinstance(entry, dict) and entry]

    def services(self) -> dict[str, dict[str, str]]:
        """Return the properties of the services that were asked for, by their names."""
        found = {}
        for paragraph in (self["services"].good or "").split("\n\n"):
            fields = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
            name = fields.get("Id", "").removesuffix(".service")
            if name and fields.get("LoadState") == "loaded":
                found[name] = fields
        return found
