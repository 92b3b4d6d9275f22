"""Write each role's table of variables into its README, from its argument spec.

The table is between the lines ``<!-- variables -->`` and ``<!-- /variables -->``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bridgectl.errors import CannotWorkError
from bridgectl.paths import PROJECT

BEGIN = "<!-- variables -->"
END = "<!-- /variables -->"
_HEADER = ("Variable", "Type", "Default", "What it is for")


def table(specs: Mapping[str, Any]) -> str:
    """Return the table of a role's variables.

    Args:
        specs: the ``argument_specs`` of the role. Variables of several entry points are listed
            once.
    """
    options: dict[str, Any] = {}
    for entry_point in specs.values():
        for name, option in (entry_point.get("options") or {}).items():
            options.setdefault(name, option)
    if not options:
        return "None of its own.\n"
    rows = [_HEADER, ("---",) * len(_HEADER), *_rows(options)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(options: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, ...]]:
    for name, option in options.items():
        path = f"{within}{name}"
        yield _code(path), _type(option), _default(option), _purpose(option)
        # Keys of a list of mappings: uplink_networks[].ssid
        is_list = option.get("type") == "list"
        yield from _rows(option.get("options") or {}, f"{path}[]." if is_list else f"{path}.")


def _type(option: Mapping[str, Any]) -> str:
    kind = str(option.get("type", "str"))
    return f"{kind} of {option['elements']}" if "elements" in option else kind


def _default(option: Mapping[str, Any]) -> str:
    if option.get("required"):
        return "required"
    if option.get("default") is None:
        return "none"
    return _value(option["default"])


def _purpose(option: Mapping[str, Any]) -> str:
    description = option.get("description", "")
    parts = [description] if isinstance(description, str) else list(description)
    if option.get("choices"):
        parts.append(f"One of {', '.join(map(_value, option['choices']))}.")
    return _cell(" ".join(parts))


def _value(value: object) -> str:
    """Return a value as in the inventory."""
    return _code(value if isinstance(value, str) and value else json.dumps(value))


def _code(text: str) -> str:
    return _cell(f"`` {text} ``" if "`" in text else f"`{text}`")


def _cell(text: str) -> str:
    """Return a text for a cell: on one line, with escaped bars."""
    return " ".join(text.split()).replace("|", "\\|")


def updated(readme: str, variables: str, file: Path) -> str:
    """Replace the table between the two marks.

    Args:
        readme: the text of a README.
        variables: the table.
        file: the README, for the message.

    Raises:
        CannotWorkError: the README does not have exactly one pair of marks.
    """
    head, begin, rest = readme.partition(f"{BEGIN}\n")
    _, end, tail = rest.partition(f"{END}\n")
    marks = (readme.count(BEGIN), readme.count(END))
    if not begin or not end or marks != (1, 1):
        raise CannotWorkError(
            f"{file} must have one place for the variables",
            f"add the lines {BEGIN} and {END}, once each and in this order",
        )
    return f"{head}{begin}\n{variables}\n{end}{tail}"


def document(role: Path, check: bool) -> bool:
    """Update a role's README.

    Args:
        role: the role's folder.
        check: change nothing.

    Returns:
        whether the README was outdated.

    Raises:
        CannotWorkError: the README or the argument spec is missing or invalid.
    """
    spec_file, readme_file = role / "meta/argument_specs.yml", role / "README.md"
    for file in (spec_file, readme_file):
        if not file.is_file():
            raise CannotWorkError(f"{file} is missing", "create it")
    try:
        variables = table(yaml.safe_load(spec_file.read_text(encoding="utf-8"))["argument_specs"])
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise CannotWorkError(
            f"{spec_file} is not a valid argument spec: {error}", "correct it"
        ) from error
    old = readme_file.read_text(encoding="utf-8")
    new = updated(old, variables, readme_file)
    if new != old and not check:
        readme_file.write_text(new, encoding="utf-8")
    return new != old


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None for those of the command line.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(prog="make docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only list outdated READMEs")
    parser.add_argument("--roles", type=Path, default=PROJECT / "roles", help="folder of the roles")
    options = parser.parse_args(arguments)
    failed = False
    for role in sorted(path for path in options.roles.iterdir() if path.is_dir()):
        try:
            stale = document(role, options.check)
        except CannotWorkError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
            continue
        if stale and options.check:
            failed = True
            print(f"{role / 'README.md'} is outdated\n  hint: run make docs", file=sys.stderr)
        elif stale:
            print(f"{role / 'README.md'} has been updated")
    return int(failed)
