"""The systemd units and nftables tables of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence

PATIENCE_SECONDS = 90


def run(every: Sequence[Sequence[str]]) -> str | None:
    """Run commands until one fails; what it said then, None where all went well."""
    for command in every:
        try:
            done = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
        except FileNotFoundError:
            return f"{command[0]} is not on this Pi"
        except subprocess.TimeoutExpired:
            return f"{command[0]} took longer than {PATIENCE_SECONDS} s"
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            return said[-1] if said else f"{command[0]} ended with {done.returncode}"
    return None


def units_down(units: Sequence[str]) -> list[str]:
    """Name those of some units that are there to run at every boot, and do not."""
    return [
        unit
        for unit, enabled, active in _states(units)
        if enabled and active in ("inactive", "failed")
    ]


def tables_gone(tables: Mapping[str, str]) -> list[str]:
    """Name the units that run, and whose table of nftables is gone all the same.

    Whoever empties all tables, as other firewalls do, takes ours along, and systemd does not see
    it.

    Args:
        tables: a table of the family inet for each unit.
    """
    if not tables:
        return []
    listed = _said(["nft", "list", "tables", "inet"])
    if listed is None:
        return []
    there = {line.rpartition(" ")[2] for line in listed.splitlines()}
    gone = [unit for unit, table in tables.items() if table not in there]
    return [unit for unit, _, active in _states(gone) if active == "active"]


def _states(units: Sequence[str]) -> Iterator[tuple[str, bool, str]]:
    """Of each unit its name, whether it is enabled, and its state; nothing where nobody tells."""
    if not units:
        return
    shown = _said(["systemctl", "show", "--property=Id,UnitFileState,ActiveState", *units])
    for block in (shown or "").strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if "Id" in values:
            enabled = values.get("UnitFileState", "").startswith("enabled")
            yield values["Id"], enabled, values.get("ActiveState", "")


def _said(command: Sequence[str]) -> str | None:
    """What a command prints; None where it fails."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
