"""Create the configuration of a bridge: a commented inventory file with detected values.

Asks no questions, and never overwrites a file.
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

from bridgectl.errors import CannotWorkError
from bridgectl.init.detect import find_country, find_ssid, resolves
from bridgectl.paths import PROJECT

TEMPLATES = PROJECT / "templates/inventory"
DEFAULT_INVENTORY = "inventory/home"

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
# Names with a special meaning in Ansible.
_TAKEN = ("all", "localhost", "ungrouped")


def check_name(name: str) -> None:
    """Check a bridge's name, which becomes its host name and NAME.local.

    Args:
        name: as given by the user.

    Raises:
        CannotWorkError: it is not a single label of RFC 1123, or has a meaning in Ansible.
    """
    if not name:
        raise CannotWorkError("NAME is missing", "choose a name, such as make init NAME=garage")
    if not _LABEL.fullmatch(name):
        raise CannotWorkError(
            f"NAME must be a host name without a dot, got {name!r}",
            "use 1 to 63 letters, digits and hyphens, but no hyphen first or last, such as "
            "make init NAME=garage",
        )
    if name.lower() in _TAKEN:
        raise CannotWorkError(
            f"NAME must not be {name}, which has a special meaning in Ansible",
            "choose another name, such as make init NAME=garage",
        )


def yaml_text(text: str) -> str:
    r"""Write a string in YAML: always quoted, and never as a template.

    Args:
        text: any string, such as ``NO``, ``0123`` or ``{{ x }}``.
    """
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=sys.maxsize)
    # All delimiters of Jinja begin with one of these.
    tag = "!unsafe " if re.search(r"\{[{%#]", text) else ""
    return tag + quoted.rstrip("\n")


def yaml_key(name: str) -> str:
    """Write a host name as a key in YAML: quoted if YAML would read another type."""
    return yaml.safe_dump({name: 0}, width=sys.maxsize).rpartition(":")[0]


def options_of_make(name: str, inventory: str) -> str:
    """Return the options of ``make check`` for one bridge.

    Args:
        name: the bridge.
        inventory: the folder of its configuration.
    """
    if Path(inventory) == Path(DEFAULT_INVENTORY):
        return f"LIMIT={name}"
    return f"INVENTORY={shlex.quote(inventory)} LIMIT={name}"


def render(name: str, inventory: str) -> str:
    """Return the configuration of a bridge.

    Args:
        name: its name, checked.
        inventory: the folder of the new file.
    """
    environment = jinja2.Environment(  # noqa: S701 - YAML, not HTML
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
    """Create a file that only its owner can read, because it may contain a passphrase.

    Args:
        file: the new file; its folder is created too.
        text: its content.

    Raises:
        CannotWorkError: the file exists, or cannot be created.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWorkError(
            f"INVENTORY: the folder {file.parent} cannot be created: {error.strerror}",
            f"use another one, such as INVENTORY={DEFAULT_INVENTORY}",
        ) from error
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CannotWorkError(
            f"{file} exists already and is not changed",
            "edit it, choose another NAME, or move it away",
        ) from error
    except OSError as error:
        raise CannotWorkError(
            f"{file} cannot be written: {error.strerror}",
            "check the permissions of its folder, or use another one with INVENTORY=",
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def next_steps(file: Path, options: str) -> str:
    """Return the next steps, in three lines.

    Args:
        file: the new file.
        options: of make, for this bridge.
    """
    return (
        f"{file} has been created. Open it and replace each CHANGE-ME by the real value.\n"
        f"Show what would change on the Pi:  make check {options}\n"
        f"Configure the Pi as a bridge:      make provision {options}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None for those of the command line.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(prog="make init", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="name of the bridge, such as garage"
    )
    parser.add_argument("--inventory", default=DEFAULT_INVENTORY, help="folder of the new file")
    options, others = parser.parse_known_args(arguments)
    # A name that begins with a hyphen is reported as a wrong name, not as an unknown option.
    name = " ".join(filter(None, [options.name, *others]))
    file = Path(options.inventory) / f"{name}.yml"
    try:
        check_name(name)
        write_new(file, render(name, options.inventory))
    except CannotWorkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(next_steps(file, options_of_make(name, options.inventory)))
    return 0
