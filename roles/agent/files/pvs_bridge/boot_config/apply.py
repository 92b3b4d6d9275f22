"""Apply the files on the boot partition, before the network starts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.boot_config import affected_roles, keyboard, layers, login, overlay, playbook, specs
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
Connect = Callable[[Mapping[str, Any], Path], bool]

# The variables that an image is built with, see ansible/image.yml.
_AS_BUILT = {"uplink_type": "none"}
# What Imager's form may set, and the value without it.
_BY_DEFAULT = {"uplink_hostname": playbook.HOST}
_KEEPS_HOME = Issue(
    "the files have no connection to the home network, so the last one that worked stays active",
    "write uplink_networks, or uplink_type: none if the bridge should leave the network",
    Location(CONFIGURATION_FILE),
)
_ATTEMPTS = 8


@dataclasses.dataclass
class Rejected:
    """What the preflight check rejected.

    Attributes:
        messages: For the report.
        places: The file and the variable of each.
    """

    messages: list[str] = dataclasses.field(default_factory=list)
    places: list[list[str]] = dataclasses.field(default_factory=list)

    def add(self, issues: Iterable[Issue]) -> None:
        """Add issues."""
        for issue in issues:
            self.messages.append(str(issue))
            self.places.append(_place(issue))


def apply(
    partition: BootPartition,
    store: Store,
    project: Path = playbook.PROJECT,
    play: Play = playbook.run,
    root: Root | None = None,
    connect: Connect | None = None,
) -> Mapping[str, Any] | None:
    """Apply the configuration on the boot partition, unless it is applied already.

    Args:
        partition: The boot partition.
        store: What the Pi has stored.
        project: The folder that has ``ansible`` and ``roles``.
        play: Runs site.yml.
        root: The Pi's root file system.
        connect: Connects a new card to the home network, and returns whether it has done so. Then
            the playbook has to run later, by another call without this argument.

    Returns:
        the variables, if something was applied; else None.

    Raises:
        OSError: The Pi's disk is full or read-only. The network is unchanged.
    """
    options = specs.load(project)
    reading = read(partition, layers.from_json(store.read("layers")), options)
    _provide_login(partition, store, reading)
    _provide_keyboard(store, reading)
    home = store.read("home")
    variables = layers.merged(reading.layers, home)
    if home and layers.loses_home(reading.layers):
        reading.issues.append(_KEEPS_HOME)
    digest = _digest(variables)
    configured = layers.to_json(reading.layers)
    if configured != store.read("layers"):
        # The user has edited the card since the last undo, so its note is obsolete.
        store.remove("undone")
    store.write("layers", configured)
    applied = store.read("applied") or {"variables": _AS_BUILT}
    current = applied.get("digest") == digest
    if current or variables == _AS_BUILT == applied["variables"]:
        outcome = (store.read("outcome") or {}) if current else {}
        rejected = Rejected(outcome.get("rejected", []), outcome.get("rejected_places", []))
        _write_outcome(store, reading, rejected, variables)
        return None
    if connect and applied["variables"] == _AS_BUILT and connect(variables, project):
        return variables
    rejected = _run(reading, store, applied, digest, project, play, root or Root())
    effective: dict[str, Any] = (store.read("applied") or applied)["variables"]
    _write_outcome(store, reading, rejected, effective)
    return effective


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
    """Create the user of userconf.txt and authorized_keys; let Imager's user become root."""
    wanted, issues, notes = login.read(partition)
    reading.issues += issues
    reading.notes += [str(note) for note in notes]
    form = (store.read("login") or {}).get("form_user", "")
    if reading.user.is_locked_out:
        form = reading.user.name
        reading.notes.append(
            f"{form} becomes root without a password, because Raspberry Pi Imager has written "
            "none, and sudo would ask for it"
        )
    elif reading.user.name and not reading.user.becomes_root:
        reading.notes.append(
            f"sudo asks {reading.user.name} for the password of Raspberry Pi Imager's form. Hint, "
            "for make provision: set ansible_become_password in the inventory"
        )
    wanted = dataclasses.replace(wanted, form_user=form)
    configured = wanted.to_json()
    if not wanted.is_given or store.read("login") == configured:
        return
    store.begin_change()
    try:
        login.provide(wanted)
        store.write("login", configured)
    except OSError as error:
        place = Location(f"{login.USER_FILE}, {login.KEYS_FILE}")
        reading.issues.append(Issue(f"the login was not set up: {error}", location=place))


def _provide_keyboard(store: Store, reading: Reading) -> None:
    """Take over the keyboard layout of Imager's form, once, because a person may change it."""
    form = {"layout": reading.user.keyboard, "model": reading.user.keyboard_model}
    known = store.read("keyboard") or {}
    if form["layout"] and form.items() - known.items():
        store.begin_change()
        known = {**form, "note": keyboard.provide(form["layout"], form["model"])}
        store.write("keyboard", known)
    if form["layout"] and known["note"]:
        reading.notes.append(known["note"])


def _run(
    reading: Reading,
    store: Store,
    applied: Mapping[str, Any],
    digest: str,
    project: Path,
    play: Play,
    root: Root,
) -> Rejected:
    """Run site.yml, without the values that it rejects, until it succeeds."""
    store.begin_change()
    home = store.read("home")
    effective = dict(reading.layers)
    rejected = Rejected()
    rejected.add([] if root.lockable else _without_lock(effective))
    names: set[str] = set(applied.get("pending", []))
    for _ in range(_ATTEMPTS):
        variables = layers.merged(effective, home)
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
            if home and layers.loses_home(effective) and _KEEPS_HOME not in reading.issues:
                rejected.add([_KEEPS_HOME])
            return rejected
        if not effective:
            break
        rejected.add(_remove_rejected(effective, outcome, applied["variables"]))
    rejected.add([Issue("the bridge could not be set up; the next start tries again")])
    return rejected


def _without_lock(effective: dict[str, Layer]) -> list[Issue]:
    """Remove a request to lock the root; return the issue about it."""
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
    return [issue]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    old, new = ({**_BY_DEFAULT, **each} for each in (old, new))
    missing = object()
    return {name for name in {*old, *new} if old.get(name, missing) != new.get(name, missing)}


def _remove_rejected(
    effective: dict[str, Layer], outcome: Outcome, before: Mapping[str, Any]
) -> list[Issue]:
    """Replace the rejected values in the layers by what was active before, or remove them.

    Returns:
        the issues about them.
    """
    issues = []
    missing: list[Issue] = []
    read = dict(effective)
    removed: set[layers.Path] = set()
    # In descending order, because removing an item moves the items after it.
    for issue in sorted(outcome.issues, key=lambda each: each.location.variable, reverse=True):
        path = layers.parsed(issue.location.variable)
        found = layers.origin(read, path)
        if found is None:
            missing.append(issue)
            continue
        name, layer = found
        kept = False
        # A value may have several issues.
        if not {path[:1], path[:2], path} & removed:
            removed.add(effective[name].removable(path))
            effective[name], kept = _without(effective[name], path, before)
        hint = f"{issue.hint}; until then its previous value is active" if kept else issue.hint
        issues.append(dataclasses.replace(issue, hint=hint, location=layer.location(path)))
    issues.reverse()
    if issues:
        return issues
    if outcome.failure and not outcome.issues:
        issues.append(Issue(outcome.failure))
    # No file sets a missing variable, so the variables that require it are removed, and in the
    # end everything but the home network.
    issues += [
        issue.at(dataclasses.replace(issue.location, file=CONFIGURATION_FILE)) for issue in missing
    ]
    _reduce(effective, {issue.location.variable.partition("_")[0] for issue in missing})
    return issues


def _without(layer: Layer, path: layers.Path, before: Mapping[str, Any]) -> tuple[Layer, bool]:
    """Return a layer without a value, or with what it was before, and which of the two."""
    name = str(path[0])
    rest = layer.without(path)
    # The connection to the home network is kept as a whole, see layers.merged.
    known = name in before and not name.startswith("uplink_") and name not in rest.values
    if not known or before[name] == layer.values[name]:
        return rest, False
    return Layer(rest.file, {**rest.values, name: before[name]}, rest.lines), True


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
    store: Store, reading: Reading, rejected: Rejected, variables: Mapping[str, Any]
) -> None:
    """Store what the report shows."""
    store.write(
        "outcome",
        {
            "issues": [str(issue) for issue in reading.issues],
            "issue_places": [_place(issue) for issue in reading.issues],
            "rejected": rejected.messages,
            "rejected_places": rejected.places,
            "notes": [*reading.notes, *layers.overruled(reading.layers)],
            "user": dataclasses.asdict(reading.user),
            "variables": {
                name: variables[name] for name in sorted(variables) if name.startswith("uplink_")
            },
        },
    )


def _place(issue: Issue) -> list[str]:
    return [issue.location.file, issue.location.variable]


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
