"""The systemd units and nftables tables of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence

TIMEOUT_SECONDS = 90


def run(commands: Sequence[Sequence[str]]) -> str | None:
    """Run commands until one fails.

    Returns:
        the error; None if all succeeded.
    """
    for command in commands:
        try:
            done = _run(command)
        except FileNotFoundError:
            return f"{command[0]} is not installed"
        except subprocess.TimeoutExpired:
            return f"{command[0]} took longer than {TIMEOUT_SECONDS} s"
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return lines[-1] if lines else f"{command[0]} exited with {done.returncode}"
    return None


def units_down(units: Sequence[str]) -> list[str]:
    """Return the units that are enabled but do not run."""
    return [
        unit
        for unit, enabled, active in _states(units)
        if enabled and active in ("inactive", "failed")
    ]


def tables_gone(tables: Mapping[str, str]) -> list[str]:
    """Return the units that run although their nftables table is missing.

    Other firewalls flush all tables, ours included; systemd does not notice.

    Args:
        tables: A table of the family inet for each unit.
    """
    if not tables:
        return []
    listed = _output(["nft", "list", "tables", "inet"])
    if listed is None:
        return []
    loaded = {line.rpartition(" ")[2] for line in listed.splitlines()}
    gone = [unit for unit, table in tables.items() if table not in loaded]
    return [unit for unit, _, active in _states(gone) if active == "active"]


def _states(units: Sequence[str]) -> Iterator[tuple[str, bool, str]]:
    """Yield name, whether it is enabled, and state of each unit that systemd knows."""
    if not units:
        return
    shown = _output(["systemctl", "show", "--property=Id,UnitFileState,ActiveState", *units])
    for block in (shown or "").strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if "Id" in values:
            enabled = values.get("UnitFileState", "").startswith("enabled")
            yield values["Id"], enabled, values.get("ActiveState", "")


def _output(command: Sequence[str]) -> str | None:
    """Return what a command prints; None if it fails."""
    try:
        done = _run(command)
    except (OSError, subprocess.SubprocessError):
        return None
    return None if done.returncode else done.stdout


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
