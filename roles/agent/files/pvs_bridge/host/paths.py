"""Paths that several parts of the agent know, relative to the root of the file system."""

from __future__ import annotations

from pathlib import Path

ROLLBACK = Path("var/lib/pvs-bridge/rollback")
"""The state of the rollback of network changes."""

TAKEN_PORTS = Path("run/pvs-bridge-taken-ports")
"""The ports without which haproxy runs, because another program holds them."""

TAKEN_PORT = "PVS_BRIDGE_TAKEN_"
"""The name of the variable of a port in that file, before the port's number."""

MQTT_ISSUE = Path("run/pvs-bridge-mqtt/issue.json")
"""What is wrong with the MQTT broker, written by the MQTT service; missing if nothing is."""

UNCONFIRMED_CHANGE = ROLLBACK / "pending.json"
"""The marker of a network change: it exists while the change is not confirmed."""
