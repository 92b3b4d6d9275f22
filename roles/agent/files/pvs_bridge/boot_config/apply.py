"""Apply the files on the boot partition, before the network starts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.boot_config import affected_roles, layers, login, overlay, playbook, specs
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.layers import CONFIGURATION, ORDER, Layer
from pvs_bridge.boot_config.playbook import Outcome
from pvs_bridge.boot_config.read import CONFIGURATION_FILE, Reading, read
from pvs_bridge.boot_config.store import DryRunStore, Store, WouldChangeError
from pvs_bridge.errors import Issue, Location
from pvs_bridge.host.overlay import Root

ERROR_FILE = Path("/run/pvs-bridge-boot-config-error")
"""Why the configuration could not be stored at this boot; the report shows its text."""

Play = Callable[[Path, Iterable[str], Path], Outcome]

# The variables that an image is built with, see ansible/image.yml.
_AS_BUILT = {"uplink_type": "none"}
# What Imager's form may set, and the value without it.
_BY_DEFAULT = {"uplink_hostname": playbook.HOST}
_ATTEMPTS = 8
_VERSION = re.compile(r'^version = "(?P<version>[^"]+)"$', re.MULTILINE)


def version(project: Path = playbook.PROJECT) -> str:
    """Return the version of the project on the card; empty if it is unknown."""
    try:
        found = _VERSION.search((project / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError:
        return ""
    return found["version"] if found else ""


def apply(
    partition: BootPartition,
    store: Store,
    project: Path = playbook.PROJECT,
    play: Play = playbook.run,
    root: Root | None = None,
) -> bool:
    """Apply the configuration on the boot partition, unless it is applied already.

    Args:
        partition: The boot partition.
        store: What the Pi has stored.
        project: The folder that has ``ansible`` and ``roles``.
        play: Runs site.yml.
        root: The Pi's root file system.

    Returns:
        whether something was applied.

    Raises:
        OSError: The Pi's disk is full or read-only. The network is unchanged.
    """
    options = specs.load(project)
    reading = read(partition, layers.from_json(store.read("layers")), options)
    _provide_login(partition, store, reading)
    variables = layers.merged(reading.layers)
    digest = _digest(variables)
    configured = layers.to_json(reading.layers)
    if configured != store.read("layers"):
        # The user has edited the card since the last undo, so its note is obsolete.
        store.remove("undone")
    store.write("layers", configured)
    applied = store.read("applied") or {"variables": _AS_BUILT}
    current = applied.get("digest") == digest
    if current or variables == _AS_BUILT == applied["variables"]:
        rejected = (store.read("outcome") or {}).get("rejected", []) if current else []
        _write_outcome(store, reading, rejected, variables)
        return False
    rejected = _run(reading.layers, store, applied, digest, project, play, root or Root())
    _write_outcome(store, reading, rejected, (store.read("applied") or applied)["variables"])
    return True


def is_due(partition: BootPartition, store: Store, project: Path = playbook.PROJECT) -> bool:
    """Return whether :func:`apply` would change something, without changing anything.

    Args:
        partition: The boot partition.
        store: What the Pi has stored.
        project: The folder that has ``ansible`` and ``roles``.
    """
    try:
        apply(partition, DryRunStore(store.folder), project)
    except WouldChangeError:
        return True
    return False


def _provide_login(partition: BootPartition, store: Store, reading: Reading) -> None:
    """Create the user of userconf.txt and authorized_keys."""
    wanted, issues = login.read(partition)
    reading.issues += issues
    configured = wanted.to_json()
    if not (wanted.password_hash or wanted.keys) or store.read("login") == configured:
        return
    store.begin_change()
    try:
        login.provide(wanted)
        store.write("login", configured)
    except OSError as error:
        place = Location(f"{login.USER_FILE}, {login.KEYS_FILE}")
        reading.issues.append(Issue(f"the login was not set up: {error}", location=place))


def _run(
    configured: Mapping[str, Layer],
    store: Store,
    applied: Mapping[str, Any],
    digest: str,
    project: Path,
    play: Play,
    root: Root,
) -> list[str]:
    """Run site.yml, without the values that it rejects, until it succeeds.

    Returns:
        what was rejected.
    """
    store.begin_change()
    effective = dict(configured)
    rejected = [] if root.lockable else _without_lock(effective)
    names: set[str] = set(applied.get("pending", []))
    for _ in range(_ATTEMPTS):
        variables = layers.merged(effective)
        names |= _differing(applied["variables"], variables)
        # After a power cut, the next boot repeats what may be incomplete.
        pending = {"variables": applied["variables"], "pending": sorted(names)}
        store.write("applied", pending)
        inventory = store.folder / "inventory.yml"
        atomic.write(inventory, playbook.inventory(variables).encode())
        tags = affected_roles.roles(project, names)
        outcome = play(inventory, tags, project)
        if outcome.done:
            store.write("applied", {"digest": digest, "variables": variables})
            return rejected
        if not effective:
            break
        rejected += _remove_rejected(effective, outcome)
    return [*rejected, "the bridge could not be set up; the next start tries again"]


def _without_lock(effective: dict[str, Layer]) -> list[str]:
    """Remove a request to lock the root; return the message about it."""
    path = (overlay.VARIABLE,)
    found = layers.origin(effective, path)
    if found is None or not found[1].values[overlay.VARIABLE]:
        return []
    name, layer = found
    effective[name] = layer.without(path)
    issue = Issue(
        "the package overlayroot is not on this card",
        "make provision, with this variable in the inventory, installs it and locks the root",
        layer.location(path),
    )
    return [str(issue)]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    old, new = ({**_BY_DEFAULT, **each} for each in (old, new))
    missing = object()
    return {name for name in {*old, *new} if old.get(name, missing) != new.get(name, missing)}


def _remove_rejected(effective: dict[str, Layer], outcome: Outcome) -> list[str]:
    """Remove the rejected values from the layers; return the messages about them."""
    messages = []
    missing: list[Issue] = []
    # In descending order, because removing an item moves the items after it.
    for issue in sorted(outcome.issues, key=lambda each: each.location.variable, reverse=True):
        path = layers.parsed(issue.location.variable)
        found = layers.origin(effective, path)
        if found is None:
            missing.append(issue)
            continue
        name, layer = found
        effective[name] = layer.without(path)
        messages.append(str(issue.at(layer.location(path))))
    messages.reverse()
    if messages:
        return messages
    if outcome.failure and not outcome.issues:
        messages.append(outcome.failure)
    # No file sets a missing variable, so the variables that require it are removed, and in the
    # end everything but the home network.
    messages += [
        str(issue.at(dataclasses.replace(issue.location, file=CONFIGURATION_FILE)))
        for issue in missing
    ]
    _reduce(effective, {issue.location.variable.partition("_")[0] for issue in missing})
    return messages


def _reduce(effective: dict[str, Layer], roles: set[str]) -> None:
    """Remove the least that may help: variables of some roles, of all roles, a whole file."""
    name = next(each for each in reversed(ORDER) if each in effective)
    layer = effective[name]
    spare = [each for each in layer.values if each not in layers.ESSENTIAL]
    concerned = [each for each in spare if each.partition("_")[0] in roles] or spare
    if name == CONFIGURATION and concerned:
        for variable in concerned:
            layer = layer.without((variable,))
        effective[name] = layer
    else:
        del effective[name]


def _digest(variables: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(variables, sort_keys=True).encode()).hexdigest()


def _write_outcome(
    store: Store, reading: Reading, rejected: list[str], variables: Mapping[str, Any]
) -> None:
    """Store what the report shows."""
    store.write(
        "outcome",
        {
            "issues": [str(issue) for issue in reading.issues],
            "rejected": rejected,
            "notes": [*reading.notes, *layers.overruled(reading.layers)],
            "user": dataclasses.asdict(reading.user),
            "variables": {
                name: variables[name] for name in sorted(variables) if name.startswith("uplink_")
            },
        },
    )


def activate(variables: Mapping[str, Any]) -> None:
    """Activate the new files in the booting system: settings that were read before, new units."""
    hostname = Path("/etc/hostname").read_text(encoding="utf-8").strip()
    socket.sethostname(hostname)
    commands = [["/lib/systemd/systemd-sysctl", "/etc/sysctl.d/60-pvs-link.conf"]]
    if variables.get("uplink_type", "wifi") == "wifi":
        # The radio's driver may have been loaded before its country was known.
        commands += [
            ["iw", "reg", "set", str(variables.get("uplink_country", "00"))],
            ["rfkill", "unblock", "wlan"],
        ]
    commands += [
        ["systemctl", "daemon-reload"],
        # Starts also the units that did not exist when the boot began.
        ["systemctl", "start", "--no-block", "default.target"],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{' '.join(command)}: {done.stderr.strip()}", flush=True)
