#!/usr/bin/python3 -I
"""The command pvs-bridge: one sub-command for each job of the agent."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

USAGE = 2
"""The exit status of a wrong command line."""

COMMANDS = {
    "setup": ("pvs_bridge.setup.cli:setup", "make this Pi a bridge, without a controller"),
    "edit": ("pvs_bridge.setup.cli:edit", "edit the variables of the bridge, and apply them"),
    "check": ("pvs_bridge.setup.cli:check", "show what apply would change"),
    "apply": ("pvs_bridge.setup.cli:apply", "apply the variables of the bridge"),
    "backup": ("pvs_bridge.backup.cli", "write the whole bridge into one encrypted file"),
    "restore": ("pvs_bridge.setup.cli:restore", "make this Pi the bridge of a backup"),
    "health": ("pvs_bridge.health.cli", "check the bridge, and show the plant"),
    "monitor": ("pvs_bridge.monitor.cli", "check the bridge and repair it, as its timer does"),
    "status": ("pvs_bridge.status.cli", "serve the status page"),
    "mqtt": ("pvs_bridge.mqtt.cli", "publish to an MQTT broker, for Home Assistant"),
    "history": ("pvs_bridge.history.cli", "export and import the energy of past days"),
    "compat": ("pvs_bridge.compat.cli", "serve the old API with data of the new one"),
    "notify": ("pvs_bridge.notify.cli", "send messages about the bridge, or a test message"),
    "rollback": ("pvs_bridge.rollback.cli", "confirm or undo a change of the network"),
    "overlay": ("pvs_bridge.host.overlay_cli", "lock or unlock the root file system"),
    "boot-config": ("pvs_bridge.boot_config.cli", "apply the files on the boot partition"),
    "certificate": ("pvs_bridge.proxy.certificate", "make and renew the HTTPS certificate"),
    "ports": ("pvs_bridge.proxy.ports", "find ports that other programs keep from haproxy"),
    "drain": ("pvs_bridge.proxy.drain", "wait for the PVS before haproxy starts, stops or reloads"),
}
"""The module and the help text of each sub-command. The function is main, or stands behind a colon.
Only the module of the given command is imported: the monitor starts every minute on slow Pis, and
rollback must not need the others."""


def main(arguments: Sequence[str]) -> int:
    """Run a sub-command.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The exit status.
    """
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name not in COMMANDS:
        problem = f"unknown command {name!r}" if name else "no command given"
        print(f"pvs-bridge: {problem}\n\n{_usage()}", file=sys.stderr)
        return USAGE
    module, _, function = COMMANDS[name][0].partition(":")
    status: int = getattr(importlib.import_module(module), function or "main")(arguments[1:])
    return status


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = (f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items())
    return "\n".join(["usage: pvs-bridge COMMAND [-h] ...", "", *lines])


if __name__ == "__main__":
    # -I leaves the folder of the package off the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main(sys.argv[1:]))
