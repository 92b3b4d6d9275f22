"""Write each role's table of variables into its README, from its argument spec.

The table stands between the lines ``<!-- variables -->`` and ``<!-- /variables -->``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bridgectl.paths import PROJECT

BEGIN = "<!-- variables -->"
END = "<!-- /variables -->"
_HEADER = ("Variable", "Type", "Default", "What it is for")


class DocumentError(Exception):
    """A role that cannot be documented; says the file and the hint."""


def table(specs: Mapping[str, Any]) -> str:
    """Write the table of a role's variables.

    Args:
        specs: the ``argument_specs`` of the role. Entry points share variables; each variable
            stands in the table once.
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
        # A list of mappings has its keys below it: uplink_networks[].ssid
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
    """Write a value as one writes it in the inventory."""
    return _code(value if isinstance(value, str) and value else json.dumps(value))


def _code(text: str) -> str:
    return _cell(f"`` {text} ``" if "`" in text else f"`{text}`")


def _cell(text: str) -> str:
    """Keep a text within its cell: on one line, and with no bar that ends it."""
    return " ".join(text.split()).replace("|", "\\|")


def updated(readme: str, variables: str, file: Path) -> str:
    """Put a table between the two marks.

    Args:
        readme: the text of a README.
        variables: the table.
        file: the README, for the message.

    Raises:
        DocumentError: there is not exactly one pair of marks.
    """
    head, begin, rest = readme.partition(f"{BEGIN}\n")
    _, end, tail = rest.partition(f"{END}\n")
    marks = (readme.count(BEGIN), readme.count(END))
    if not begin or not end or marks != (1, 1):
        raise DocumentError(
            f"{file} has no place for the variables\n"
            f"  hint: give it the lines {BEGIN} and {END}, once each and in this order"
        )
    return f"{head}{begin}\n{variables}\n{end}{tail}"


def document(role: Path, check: bool) -> bool:
    """Bring a role's README up to date.

    Args:
        role: the role's folder.
        check: change nothing.

    Returns:
        whether the README was stale.

    Raises:
        DocumentError: the README or the argument spec is missing, or not as it has to be.
    """
    spec_file, readme_file = role / "meta/argument_specs.yml", role / "README.md"
    for file in (spec_file, readme_file):
        if not file.is_file():
            raise DocumentError(f"{file} is missing\n  hint: write it")
    try:
        variables = table(yaml.safe_load(spec_file.read_text(encoding="utf-8"))["argument_specs"])
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise DocumentError(
            f"{spec_file} is no argument spec: {error}\n  hint: correct it"
        ) from error
    old = readme_file.read_text(encoding="utf-8")
    new = updated(old, variables, readme_file)
    if new != old and not check:
        readme_file.write_text(new, encoding="utf-8")
    return new != old


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the command line where there are none.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(prog="make docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only name the READMEs that are stale")
    parser.add_argument(
        "--roles", type=Path, default=PROJECT / "roles", help="the folder of the roles"
    )
    options = parser.parse_args(arguments)
    failed = False
    for role in sorted(path for path in options.roles.iterdir() if path.is_dir()):
        try:
            stale = document(role, options.check)
        except DocumentError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
            continue
        if stale and options.check:
            failed = True
            print(f"{role / 'README.md'} is stale\n  hint: make docs", file=sys.stderr)
        elif stale:
            print(f"{role / 'README.md'} is written")
    return int(failed)
