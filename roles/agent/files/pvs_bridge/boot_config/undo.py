"""Restore the previous configuration after an edit that disconnected the Pi from its network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pvs_bridge.boot_config import layers
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.layers import CONFIGURATION, Layer
from pvs_bridge.boot_config.redact import mask_configuration
from pvs_bridge.boot_config.store import Store

REJECTED_FILE = "pvs-bridge.rejected.yml"


def keep(store: Store) -> None:
    """Remember that the home network was reached with the current configuration.

    Raises:
        OSError: The Pi's disk is full or read-only.
    """
    applied = (store.read("applied") or {}).get("variables", {})
    store.write("home", layers.connection(applied))
    store.write("good", store.read("layers"))


def earlier(store: Store) -> dict[str, Layer] | None:
    """Return the configuration that last reached the home network.

    Returns:
        None if it has the same connection as the current one, or if there is none.
    """
    good = layers.from_json(store.read("good"))
    home = store.read("home") or layers.connection(layers.merged(good))
    applied = (store.read("applied") or {}).get("variables", {})
    return None if not good or layers.connection(applied) == home else good


def go_back(
    partition: BootPartition, store: Store, good: Mapping[str, Layer], options: Mapping[str, Any]
) -> None:
    """Have the next boot apply the earlier configuration.

    Args:
        partition: Its pvs-bridge.yml becomes ``pvs-bridge.rejected.yml``, without secrets.
        store: What the Pi has stored.
        good: The result of :func:`earlier`.
        options: The specification of all variables.

    Raises:
        OSError: A disk is full or read-only; nothing changes then.
    """
    now = layers.from_json(store.read("layers"))
    if now.get(CONFIGURATION) != good.get(CONFIGURATION):
        # Before anything else, because the next boot would apply the file again.
        rejected = now[CONFIGURATION].values if CONFIGURATION in now else {}
        mask_configuration(partition, options, rejected, REJECTED_FILE)
    store.write("undone", {"reason": "the home network was not reached in time"})
    store.write("layers", layers.to_json(good))
