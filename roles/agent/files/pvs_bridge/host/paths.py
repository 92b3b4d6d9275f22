"""Paths that several parts of the agent know, relative to the root of the file system."""

from __future__ import annotations

from pathlib import Path

ROLLBACK = Path("var/lib/pvs-bridge/rollback")
"""The state of the rollback of network changes."""

UNCONFIRMED_CHANGE = ROLLBACK / "pending.json"
"""The marker of a network change: it exists while the change is not confirmed."""
