"""Make the Pi what its card says, before its network comes up."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.boot_config import affected_roles, layers, login, overlay, playbook, specs
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.layers import DESCRIPTION, ORDER, Layer
from pvs_bridge.boot_config.playbook import Finding, Outcome
from pvs_bridge.boot_config.read import DESCRIPTION_FILE, Reading, read
from pvs_bridge.boot_config.store import LookedAt, Store, WouldChangeError

TROUBLE = Path("/run/pvs-bridge-boot-config-trouble")
"""Until the next boot, what has kept the card from being applied."""

Play = Callable[[Path, Iterable[str], Path], Outcome]

# What an image is built with, see ansible/image.yml.
_AS_BUILT = {"uplink_type": "none"}
# What Imager's form may say and what is so without it.
_BY_DEFAULT = {"uplink_hostname": playbook.HOST}
_ATTEMPTS = 8
_VERSION = re.compile(r'^version = "(?P<version>[^"]+)"$', re.MULTILINE)


def version(project: Path = playbook.PROJECT) -> str:
    """Return the version of the project on the card; empty where it is not known."""
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
) -> bool:
    """Make the Pi what its card says; nothing where it is that already.

    Args:
        partition: the FAT partition.
        store: what the Pi keeps.
        project: where site.yml is.
        play: runs it.

    Returns:
        whether something was applied.

    Raises:
        OSError: the Pi's own disk is full or must not be written to. The network is as it was.
    """
    options = specs.load(project)
    reading = read(partition, layers.from_json(store.read("layers")), options)
    _let_in(partition, store, reading)
    variables = layers.merged(reading.layers)
    digest = _digest(variables, version(project))
    described = layers.to_json(reading.layers)
    if described != store.read("layers"):
        # A person has edited the card since; what was undone before is an old story.
        store.remove("undone")
    store.write("layers", described)
    applied = store.read("applied") or {"variables": _AS_BUILT}
    current = applied.get("digest") == digest
    if current or variables == _AS_BUILT == applied["variables"]:
        told = (store.read("outcome") or {}).get("left_out", []) if current else []
        _tell(store, reading, told, variables)
        return False
    left_out = _run(reading.layers, store, applied, digest, project, play)
    _tell(store, reading, left_out, (store.read("applied") or applied)["variables"])
    return True


def is_due(partition: BootPartition, store: Store, project: Path = playbook.PROJECT) -> bool:
    """Tell whether :func:`apply` would change something; nothing is changed.

    Args:
        partition: the FAT partition.
        store: what the Pi keeps.
        project: where site.yml is.
    """
    try:
        apply(partition, LookedAt(store.folder), project)
    except WouldChangeError:
        return True
    return False


def _let_in(partition: BootPartition, store: Store, reading: Reading) -> None:
    """Make the user of the old way, and keep what is wrong with its files for the report."""
    who = login.read(partition)
    reading.mistakes += who.mistakes
    described = dataclasses.asdict(who)
    # As JSON reads it back.
    described = {**described, "keys": list(who.keys), "mistakes": list(who.mistakes)}
    if not who.wanted or store.read("login") == described:
        return
    store.begin_to_change()
    try:
        login.provide(who)
        store.write("login", described)
    except OSError as error:
        reading.mistakes.append(f"{login.USER_FILE}, {login.KEYS_FILE}: nobody was let in: {error}")


def _run(
    described: Mapping[str, Layer],
    store: Store,
    applied: Mapping[str, Any],
    digest: str,
    project: Path,
    play: Play,
) -> list[str]:
    """Run site.yml, leaving out what it refuses until it takes the rest; what was left out."""
    store.begin_to_change()
    effective = dict(described)
    left_out = [] if overlay.can_be_locked() else _without_lock(effective)
    names: set[str] = set(applied.get("pending", []))
    # Another version of the project may have other files for the same variables.
    everything = applied.get("version", version(project)) != version(project)
    for _ in range(_ATTEMPTS):
        variables = layers.merged(effective)
        names |= _differing(applied["variables"], variables)
        # A power cut from here on leaves word of what may be half done.
        pending = {"variables": applied["variables"], "pending": sorted(names)}
        store.write("applied", {**pending, **({"version": ""} if everything else {})})
        inventory = store.folder / "inventory.yml"
        atomic.write(inventory, playbook.inventory(variables).encode())
        tags = [] if everything else affected_roles.roles(project, names)
        outcome = play(inventory, tags, project)
        if outcome.done:
            done = {"digest": digest, "variables": variables, "version": version(project)}
            store.write("applied", done)
            return left_out
        if not effective:
            break
        left_out += _leave_out(effective, outcome)
    return [*left_out, "the bridge could not be set up; the next start tries again"]


def _without_lock(effective: dict[str, Layer]) -> list[str]:
    """Take out of the layers that the root is to be locked; what there is to say of it."""
    found = layers.origin(effective, (overlay.VARIABLE,))
    if found is None or not found[1].values[overlay.VARIABLE]:
        return []
    name, layer = found
    effective[name] = layer.without((overlay.VARIABLE,))
    return [
        f"{layer.place((overlay.VARIABLE,))}: {overlay.VARIABLE}: overlayroot is not on "
        "this card. Hint: make provision, with this variable in the bridge's configuration, "
        "installs it and locks the root"
    ]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    old, new = ({**_BY_DEFAULT, **each} for each in (old, new))
    nothing = object()
    return {name for name in {*old, *new} if old.get(name, nothing) != new.get(name, nothing)}


def _leave_out(effective: dict[str, Layer], outcome: Outcome) -> list[str]:
    """Take out of the layers what was refused; what there is to say of it."""
    said = []
    nobodys: list[Finding] = []
    # From the end of a list, so that what stands before keeps its place.
    for finding in sorted(outcome.findings, key=lambda each: each.variable, reverse=True):
        path = layers.parsed(finding.variable)
        found = layers.origin(effective, path)
        if found is None:
            nobodys.append(finding)
            continue
        name, layer = found
        effective[name] = layer.without(path)
        said.append(f"{layer.place(path)}: {finding}")
    said.reverse()
    if said:
        return said
    if outcome.failure and not outcome.findings:
        said.append(outcome.failure)
    # What is missing is written nowhere: what wants it goes, and in the end all but the way home.
    said += [f"{DESCRIPTION_FILE}: {finding}" for finding in nobodys]
    _reduce(effective, {finding.variable.partition("_")[0] for finding in nobodys})
    return said


def _reduce(effective: dict[str, Layer], roles: set[str]) -> None:
    """Take the least out of the layers that may help: of some roles, of all, a whole file."""
    name = next(each for each in reversed(ORDER) if each in effective)
    layer = effective[name]
    spare = [each for each in layer.values if each not in layers.ESSENTIAL]
    concerned = [each for each in spare if each.partition("_")[0] in roles] or spare
    if name == DESCRIPTION and concerned:
        for variable in concerned:
            layer = layer.without((variable,))
        effective[name] = layer
    else:
        del effective[name]


def _digest(variables: Mapping[str, Any], project_version: str) -> str:
    text = f"{project_version}\n{playbook.inventory(variables)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _tell(
    store: Store, reading: Reading, left_out: list[str], variables: Mapping[str, Any]
) -> None:
    """Keep for the report what it has to say."""
    store.write(
        "outcome",
        {
            "mistakes": reading.mistakes,
            "left_out": left_out,
            "notes": [*reading.notes, *layers.overruled(reading.layers)],
            "user": dataclasses.asdict(reading.user),
            "variables": {
                name: variables[name] for name in sorted(variables) if name.startswith("uplink_")
            },
        },
    )


def wake(variables: Mapping[str, Any]) -> None:
    """Have the booting system take what was written: what it has read before, and new units."""
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
        # Also starts what this boot did not know of when it began.
        ["systemctl", "start", "--no-block", "default.target"],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{' '.join(command)}: {done.stderr.strip()}", flush=True)
