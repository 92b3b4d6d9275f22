"""Begin the description of a bridge: a commented inventory file that has what can be found out.

Asks nothing and never overwrites.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import jinja2
import yaml

from bridgectl.init.detect import find_country, find_ssid, resolves
from bridgectl.paths import PROJECT

TEMPLATES = PROJECT / "templates/inventory"
DEFAULT_INVENTORY = "inventory/home"

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
# What Ansible itself means something by.
_TAKEN = ("all", "localhost", "ungrouped")


class InitError(Exception):
    """Something that a person has to change first.

    Args:
        problem: what is wrong, naming the option or the file.
        hint: what to do about it.
    """

    def __init__(self, problem: str, hint: str) -> None:
        """Keep both apart, so that each is shown on its own line."""
        super().__init__(f"{problem}\n  hint: {hint}")


def check_name(name: str) -> None:
    """Refuse what cannot be a host's name: it becomes one, and NAME.local.

    Args:
        name: as given.

    Raises:
        InitError: it is no single label of RFC 1123, or means something else to Ansible.
    """
    if not name:
        raise InitError("NAME is missing", "give the bridge a name: make init NAME=garage")
    if not _LABEL.fullmatch(name):
        raise InitError(
            f"NAME: {name!r} is no host name",
            "write 1 to 63 letters, digits and hyphens, no hyphen first or last, no dot; "
            "such as make init NAME=garage",
        )
    if name.lower() in _TAKEN:
        raise InitError(
            f"NAME: {name} has a meaning of its own in Ansible",
            "choose another name, such as make init NAME=garage",
        )


def yaml_text(text: str) -> str:
    r"""Write a text for a value in YAML: always quoted, and never a template.

    Args:
        text: any, such as the ``NO`` of Norway, ``0123``, or ``{{ x }}`` as a neighbour's joke.
    """
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=sys.maxsize)
    # Jinja's delimiters all begin with one of these.
    tag = "!unsafe " if re.search(r"\{[{%#]", text) else ""
    return tag + quoted.rstrip("\n")


def yaml_key(name: str) -> str:
    """Write a host's name for a key in YAML: quoted where YAML would read a number or a truth."""
    return yaml.safe_dump({name: 0}, width=sys.maxsize).rpartition(":")[0]


def options_of_make(name: str, inventory: str) -> str:
    """Write what goes behind ``make check`` for one bridge.

    Args:
        name: the bridge.
        inventory: the folder that its description is in.
    """
    if Path(inventory) == Path(DEFAULT_INVENTORY):
        return f"LIMIT={name}"
    return f"INVENTORY={shlex.quote(inventory)} LIMIT={name}"


def render(name: str, inventory: str) -> str:
    """Write the description of a bridge.

    Args:
        name: its name, checked.
        inventory: the folder that it will be in.
    """
    environment = jinja2.Environment(  # noqa: S701 - it writes YAML, where HTML's escapes are wrong
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(yaml_text=yaml_text, yaml_key=yaml_key)
    return environment.get_template("bridge.yml.j2").render(
        name=name,
        options=options_of_make(name, inventory),
        variable=f"WIFI_PASSPHRASE_{name.upper().replace('-', '_')}",
        country=find_country(),
        ssid=find_ssid(),
        resolves=resolves(f"{name}.local"),
    )


def write_new(file: Path, text: str) -> None:
    """Write a file that nobody else may read, for a passphrase may get into it.

    Args:
        file: to be made, with its folder.
        text: what to put there.

    Raises:
        InitError: the file is there already, or cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InitError(
            f"INVENTORY: the folder {file.parent} cannot be made: {error.strerror}",
            f"name another one, such as INVENTORY={DEFAULT_INVENTORY}",
        ) from error
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InitError(
            f"{file} exists already, and is left as it is",
            "edit it, choose another NAME, or move it away first",
        ) from error
    except OSError as error:
        raise InitError(
            f"{file} cannot be written: {error.strerror}",
            "check who may write into its folder, or name another one by INVENTORY=",
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def next_steps(file: Path, options: str) -> str:
    """Say what to do now, in three lines.

    Args:
        file: what was written.
        options: of make, for this bridge.
    """
    return (
        f"{file} is begun. Open it, and put the real values where it says CHANGE-ME.\n"
        f"See what would change on the Pi:  make check {options}\n"
        f"Make the Pi a bridge:             make provision {options}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the command line where there are none.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(prog="make init", description=__doc__, allow_abbrev=False)
    parser.add_argument("name", metavar="NAME", nargs="?", help="the bridge, such as garage")
    parser.add_argument("--inventory", default=DEFAULT_INVENTORY, help="the folder to write into")
    options, others = parser.parse_known_args(arguments)
    # A name that begins with a hyphen is no option that somebody misspelt.
    name = " ".join(filter(None, [options.name, *others]))
    file = Path(options.inventory) / f"{name}.yml"
    try:
        check_name(name)
        write_new(file, render(name, options.inventory))
    except InitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(next_steps(file, options_of_make(name, options.inventory)))
    return 0
