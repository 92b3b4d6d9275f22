"""The whole of it: from an inventory to a report."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.inventory.files import Sources, examine, find_sources, unheard
from bridgectl.inventory.load import GROUP, Inventory, InventoryError, load, refused
from bridgectl.inventory.short_path import short
from bridgectl.validate.bridge import Outcome, validate_bridge
from bridgectl.validate.checkers import Checkers
from bridgectl.validate.fleet import Claim, claims, disputes
from bridgectl.validate.output_folder import Folder
from bridgectl.validate.plaintext_secrets import Written, published, secrets_in_clear_text
from bridgectl.validate.render_cache import WINDOWS, Memory
from bridgectl.validate.report import CannotWorkError, Problem, Report, merged

# Below, another process costs more than it brings.
_FEW = 4


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be validated, and how.

    Attributes:
        inventory: a file or a folder.
        limit: a pattern of Ansible's for the bridges; empty for all.
        output: the folder for the rendered files; None where nobody wants to read them.
        passwords: files with a password of the vault each.
        strict: whether what cannot be looked into is a mistake.
    """

    inventory: Path
    limit: str = ""
    output: Path | None = None
    passwords: tuple[Path, ...] = ()
    strict: bool = False


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What a process has found out about a bridge.

    Attributes:
        claims: what it wants for itself.
        written: its secrets that stand somewhere in clear text.
        outcome: what became of it; None where nobody asked for it.
        closed: files that are encrypted as a whole, as far as they were come across.
    """

    claims: list[Claim]
    written: list[Written]
    outcome: Outcome | None
    closed: frozenset[str]


def validate(wanted: Wanted) -> Report:
    """Validate an inventory.

    Args:
        wanted: what, and how.

    Raises:
        CannotWorkError: Something keeps it from its work.
    """
    started = time.monotonic()
    if not wanted.inventory.exists():
        raise CannotWorkError(
            f"INVENTORY={wanted.inventory} does not exist",
            "describe a bridge first: make init NAME=garage",
        )
    folder = Folder(wanted.output) if wanted.output else None
    sources = find_sources(wanted.inventory)
    problems, readable = examine(sources)
    inventory = None
    if readable:
        try:
            inventory = load(wanted.inventory, wanted.limit, wanted.passwords)
        except InventoryError as error:
            problems.append(refused(wanted.inventory, error))
    if inventory is None:
        return _report(wanted, started, problems)
    return _validated(wanted, started, inventory, sources, problems, folder)


def _validated(
    wanted: Wanted,
    started: float,
    inventory: Inventory,
    sources: Sources,
    problems: list[Problem],
    folder: Folder | None,
) -> Report:
    problems += unheard(sources, inventory.groups, inventory.hosts, GROUP)
    problems += inventory.strays()
    seen = _look_at_all(inventory, wanted.strict)
    outcomes = {name: each.outcome for name, each in seen.items() if each.outcome}
    # Bridges that nobody asked for are looked at for what they share with the others.
    shared = disputes(claim for each in seen.values() for claim in each.claims)
    problems += [each for each in shared if set(each.bridges) & set(outcomes)]
    in_clear_text, notes = published({name: each.written for name, each in seen.items()})
    problems += in_clear_text
    problems += [each for outcome in outcomes.values() for each in outcome.problems]

    def locate(bridge: str, backend: str, path: str) -> str:
        if folder is None:
            return f"{bridge}/{backend}{path}"
        return short(folder.file(bridge, backend, path))

    checkers = Checkers(locate)
    for name, outcome in outcomes.items():
        for backend, files in outcome.files.items():
            checkers.add(name, backend, files)
    refusals, not_checked = checkers.run()
    if folder is not None:
        rendered = {name: outcome.files for name, outcome in outcomes.items()}
        folder.put(rendered, inventory.bridges, inventory.all_bridges)
    notes += [
        f"{file} is encrypted as a whole, and was not looked into."
        for file in sorted({file for each in seen.values() for file in each.closed})
    ]
    report = _report(wanted, started, [*problems, *refusals])
    return dataclasses.replace(
        report,
        bridges=tuple(outcome.bridge for outcome in outcomes.values()),
        not_checked=tuple(not_checked),
        notes=tuple(notes),
    )


def _report(wanted: Wanted, started: float, problems: Sequence[Problem]) -> Report:
    output = short(wanted.output) if wanted.output else None
    seconds = time.monotonic() - started
    return Report(str(wanted.inventory), (), merged(problems), (), (), output, seconds)


def _look_at_all(inventory: Inventory, strict: bool) -> dict[str, _Seen]:
    """Look at every bridge, with as many processes as there are processors."""
    names = inventory.all_bridges
    if len(inventory.bridges) <= _FEW:
        return _look_at(inventory, names, strict)
    processes = min(os.cpu_count() or 1, len(names))
    shares = [names[each::processes] for each in range(processes)]
    # What Ansible has read goes along; it could not be sent.
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=_inherit, initargs=(inventory, strict)
    ) as pool:
        found = {
            name: each for share in pool.map(_look_at_share, shares) for name, each in share.items()
        }
    return {name: found[name] for name in names}


_inherited: list[tuple[Inventory, bool]] = []


def _inherit(inventory: Inventory, strict: bool) -> None:
    _inherited.append((inventory, strict))


def _look_at_share(names: Sequence[str]) -> dict[str, _Seen]:
    inventory, strict = _inherited[-1]
    return _look_at(inventory, names, strict)


def _look_at(inventory: Inventory, names: Sequence[str], strict: bool) -> dict[str, _Seen]:
    memory = Memory(inventory.loader)
    return {name: _look_at_one(inventory, name, strict, memory) for name in names}


def _look_at_one(inventory: Inventory, name: str, strict: bool, memory: Memory) -> _Seen:
    variables = inventory.variables(name)
    outcome, written = None, []
    if name in inventory.bridges:
        outcome, judged = validate_bridge(inventory, name, variables, strict, memory)
        options = all_options(inventory.specs)
        # Without the other hosts, whose secrets are theirs.
        own = {key: value for key, value in variables.items() if key not in WINDOWS}
        written = list(secrets_in_clear_text(own, judged.rendered, options))
    wants = claims(inventory, name, variables)
    return _Seen(wants, written, outcome, frozenset(inventory.loader.sealed))
