"""Bound the size of a YAML file before anything recurses into its values.

The bounds are a multiple of what a person writes.
"""

from __future__ import annotations

import yaml

MOST_BYTES = 1 << 20
MOST_VALUES = 200_000
MOST_LEVELS = 50
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader that Ansible uses."""


class TooLargeError(Exception):
    """A file is larger than a configuration can be."""


def check_size(text: str) -> None:
    """Count bytes, values and levels. An alias counts as often as it occurs.

    Nine lines of nine aliases each are a billion values.

    Args:
        text: of the file.

    Raises:
        TooLargeError: there are too many, or a value contains itself.
        yaml.YAMLError: it is not YAML.
    """
    if len(text) > MOST_BYTES:
        raise TooLargeError(f"it has more than {MOST_BYTES >> 20} MiB")
    counter = _Counter()
    for event in yaml.parse(text, Loader=LOADER):
        counter.count(event)


class _Counter:
    """Counts the values of a file."""

    def __init__(self) -> None:
        self._total = 0
        self._sizes: dict[str, int] = {}
        # The anchor of each list and mapping that has begun, and the number of values before it.
        self._open: list[tuple[str | None, int]] = []

    def count(self, event: yaml.Event) -> None:
        """Count an event of the parser."""
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            if anchor:
                self._sizes[anchor] = self._total - before
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in self._open):
                raise TooLargeError(f"the value &{event.anchor} contains itself")
            self._total += self._sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                self._open.append((event.anchor, self._total))
            elif event.anchor:
                self._sizes[event.anchor] = 1
            self._total += 1
        if len(self._open) > MOST_LEVELS:
            raise TooLargeError(f"it has more than {MOST_LEVELS} levels")
        if self._total > MOST_VALUES:
            raise TooLargeError(f"it has more than {MOST_VALUES} values")
