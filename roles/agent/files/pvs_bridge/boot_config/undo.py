"""A card that was edited into a network that cannot be joined goes back to what it said before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pvs_bridge.boot_config import layers
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.layers import DESCRIPTION, Layer
from pvs_bridge.boot_config.redact import mask_description
from pvs_bridge.boot_config.store import Store

REJECTED_FILE = "pvs-bridge.rejected.yml"

# A name is no part of the way home.
_ELSEWHERE = frozenset({"uplink_hostname", "uplink_mdns"})


def keep(store: Store) -> None:
    """Remember that the way home is there with what the card says now.

    Raises:
        OSError: the Pi's disk is full or must not be written to.
    """
    store.write("good", store.read("layers"))


def earlier(store: Store) -> dict[str, Layer] | None:
    """Return what the card said when the way home was last there, if that was another way home."""
    good, now = (layers.from_json(store.read(name)) for name in ("good", "layers"))
    if not good or _way(layers.merged(good)) == _way(layers.merged(now)):
        return None
    return good


def go_back(
    partition: BootPartition, store: Store, good: Mapping[str, Layer], options: Mapping[str, Any]
) -> None:
    """Let the next boot apply what the card said before.

    Args:
        partition: whose description becomes ``pvs-bridge.rejected.yml``, its secrets removed.
        store: what the Pi keeps.
        good: of :func:`earlier`.
        options: the variables that there are.

    Raises:
        OSError: a disk is full or must not be written to; then nothing goes back.
    """
    now = layers.from_json(store.read("layers"))
    if now.get(DESCRIPTION) != good.get(DESCRIPTION):
        # First of all: a description that stays where it is would be applied once more.
        rejected = now[DESCRIPTION].values if DESCRIPTION in now else {}
        mask_description(partition, options, rejected, REJECTED_FILE)
    store.write("undone", {"reason": "the home network was not reached within the time"})
    store.write("layers", layers.to_json(good))


def _way(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in variables.items()
        if name.startswith(("uplink_", "bridge_backend")) and name not in _ELSEWHERE
    }
