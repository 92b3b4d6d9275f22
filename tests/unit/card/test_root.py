"""A locked root is unlocked for the card, and locked again by whoever has unlocked it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvs_bridge.boot_config import overlay


def program(folder: Path, **status: object) -> Path:
    """Make what says how the root is, and notes what it is told."""
    made = folder / "pvs-bridge"
    made.write_text(
        f"""#!/bin/sh
[ "$1 $2" = "overlay status" ] && echo '{json.dumps(status)}' && exit
echo "$*" >> {folder}/told
"""
    )
    made.chmod(0o755)
    return made


def test_a_pi_without_the_program_is_never_locked(tmp_path: Path) -> None:
    nothing = tmp_path / "pvs-bridge"
    assert not overlay.is_locked(nothing)
    assert not overlay.waits_for_lock(nothing)


@pytest.mark.parametrize(
    ("locked", "reason", "waits"),
    [
        (False, None, True),
        (False, "card", True),
        (False, "somebody", False),
        (False, "a run of the playbook", False),
        (False, "updates", False),
        (True, None, False),
    ],
)
def test_it_waits_for_this_program_where_nobody_else_has_unlocked_it(
    tmp_path: Path, locked: bool, reason: str | None, waits: bool
) -> None:
    made = program(tmp_path, locked=locked, reason=reason)
    assert overlay.is_locked(made) == locked
    assert overlay.waits_for_lock(made) == waits


def test_it_is_unlocked_in_the_card_s_name_and_locked(tmp_path: Path) -> None:
    made = program(tmp_path, locked=True, reason=None)
    overlay.unlock(made)
    overlay.lock(made)
    assert (tmp_path / "told").read_text() == "overlay unlock --reason card\noverlay lock\n"
