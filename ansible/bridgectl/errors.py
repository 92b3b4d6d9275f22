"""The errors of bridgectl; all derive from IssueError."""

from __future__ import annotations

import bridgectl.ansible_loader  # noqa: F401 - registers the collection's importer
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    Issue,
    IssueError,
    Location,
)

__all__ = ["CannotWorkError", "InventoryError", "Issue", "IssueError", "Location"]


class CannotWorkError(IssueError):
    """A command cannot do its work, because of an option or of this computer."""


class InventoryError(CannotWorkError):
    """Ansible cannot read the inventory."""
