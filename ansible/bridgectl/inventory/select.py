"""Select bridges by INVENTORY and LIMIT, with one clear error if that is not possible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridgectl.errors import CannotWorkError
from bridgectl.inventory.files import Sources, check_files, find_sources
from bridgectl.inventory.load import Inventory, load, no_bridges
from bridgectl.inventory.passwords import Password, of_environment


def find_inventory(inventory: Path) -> Sources:
    """Find the files of an inventory.

    Raises:
        CannotWorkError: it does not exist.
    """
    if not inventory.exists():
        raise CannotWorkError(
            f"INVENTORY={inventory} does not exist",
            "create a configuration first: make init NAME=garage",
        )
    return find_sources(inventory)


def select_bridges(
    inventory: Path, limit: str, passwords: Sequence[Password] | None = None
) -> Inventory:
    """Read an inventory and select at least one bridge.

    Args:
        inventory: a file or a folder.
        limit: an Ansible pattern; empty for all bridges.
        passwords: vault passwords; None for those of the environment.

    Raises:
        CannotWorkError: the inventory cannot be read, or has no such bridge.
    """
    issues, readable = check_files(find_inventory(inventory))
    if not readable:
        lines = "\n".join(map(str, issues))
        raise CannotWorkError(f"INVENTORY={inventory} cannot be read:\n{lines}", "correct it")
    found = load(inventory, limit, of_environment() if passwords is None else passwords)
    if not found.bridges:
        issue = no_bridges(str(inventory))
        raise CannotWorkError(issue.problem, issue.hint, issue.location)
    return found


def select_bridge(
    inventory: Path, limit: str, command: str, passwords: Sequence[Password] | None = None
) -> tuple[Inventory, str]:
    """Read an inventory and select exactly one bridge.

    Args:
        inventory: a file or a folder.
        limit: an Ansible pattern; may be empty if the inventory has one bridge.
        command: the target of make, for the hint.
        passwords: vault passwords; None for those of the environment.

    Returns:
        the inventory, and the name of the bridge.

    Raises:
        CannotWorkError: the inventory cannot be read, or the limit does not select one bridge.
    """
    found = select_bridges(inventory, limit, passwords)
    bridge, *others = sorted(found.bridges)
    if others:
        raise CannotWorkError(
            f"LIMIT={limit} must select one bridge, got {len(found.bridges)}: "
            f"{', '.join([bridge, *others])}",
            f"select one of them, such as: make {command} LIMIT={bridge}",
        )
    return found, bridge
