"""Validate an inventory."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.errors import InventoryError, Issue
from bridgectl.inventory.files import check_files, unused_variables
from bridgectl.inventory.load import GROUP, Inventory, load
from bridgectl.inventory.passwords import Password
from bridgectl.inventory.select import find_inventory
from bridgectl.inventory.short_path import short
from bridgectl.validate.bridge import Outcome, validate_bridge
from bridgectl.validate.checkers import Checkers
from bridgectl.validate.confinement import confined, with_environment
from bridgectl.validate.fleet import Claim, claims, conflicts
from bridgectl.validate.output_folder import OutputFolder
from bridgectl.validate.plaintext_secrets import (
    PlaintextSecret,
    plaintext_secrets,
    published_secrets,
)
from bridgectl.validate.render_cache import ALL_VARIABLES, RenderCache
from bridgectl.validate.report import Finding, Report, merged

# With fewer bridges, starting processes takes longer than it saves.
_FEW = 4


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a validation.

    Attributes:
        inventory: a file or a folder.
        limit: an Ansible pattern for the bridges; empty for all.
        output: the folder for the rendered files; None to not write them.
        passwords: vault passwords.
        extra_variables: the values of -e.
        strict: whether values that cannot be read are findings.
    """

    inventory: Path
    limit: str = ""
    output: Path | None = None
    passwords: tuple[Password, ...] = ()
    extra_variables: tuple[str, ...] = ()
    strict: bool = False


@dataclasses.dataclass(frozen=True)
class _Read:
    """What the validation of a bridge reads.

    Attributes:
        inventory: the inventory.
        strict: whether values that cannot be read are findings.
        environment: the environment variables, of which secrets are read.
    """

    inventory: Inventory
    strict: bool
    environment: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class _Result:
    """The result of a bridge in one process.

    Attributes:
        claims: its values that must be unique.
        secrets: its plaintext secrets.
        outcome: its validation; None if LIMIT does not select it.
        skipped: files that are encrypted as a whole.
    """

    claims: list[Claim]
    secrets: list[PlaintextSecret]
    outcome: Outcome | None
    skipped: frozenset[str]


def validate(options: Options) -> Report:
    """Validate an inventory.

    Args:
        options: of the validation.

    Raises:
        CannotWorkError: an option is wrong.
    """
    environment = dict(os.environ)
    with confined():
        return _validate(options, environment)


def _validate(options: Options, environment: Mapping[str, str]) -> Report:
    started = time.monotonic()
    sources = find_inventory(options.inventory)
    folder = OutputFolder(options.output) if options.output else None
    issues, readable = check_files(sources, data_only=True)
    inventory = None
    if readable:
        try:
            inventory = load(
                options.inventory,
                options.limit,
                options.passwords,
                options.extra_variables,
                data_only=True,
            )
        except InventoryError as error:
            issues.append(error.issue)
    if inventory is None:
        return _report(options, started, _inventory_findings(issues))
    issues += unused_variables(sources, inventory.groups, inventory.hosts, GROUP)
    issues += inventory.group_issues()
    read = _Read(inventory, options.strict, environment)
    return _validated(options, started, read, _inventory_findings(issues), folder)


def _inventory_findings(issues: Iterable[Issue]) -> list[Finding]:
    return [Finding(each, "inventory") for each in issues]


def _validated(
    options: Options,
    started: float,
    read: _Read,
    findings: list[Finding],
    folder: OutputFolder | None,
) -> Report:
    inventory = read.inventory
    results = _validate_all(read)
    outcomes = {name: each.outcome for name, each in results.items() if each.outcome}
    # Bridges that LIMIT does not select are only compared with the selected ones.
    shared = conflicts(claim for each in results.values() for claim in each.claims)
    findings += [each for each in shared if set(each.bridges) & set(outcomes)]
    secrets, notes = published_secrets({name: each.secrets for name, each in results.items()})
    findings += secrets
    findings += [each for outcome in outcomes.values() for each in outcome.findings]

    def locate(bridge: str, backend: str, path: str) -> str:
        if folder is None:
            return f"{bridge}/{backend}{path}"
        return short(folder.file(bridge, backend, path))

    checkers = Checkers(locate)
    for name, outcome in outcomes.items():
        for backend, files in outcome.files.items():
            checkers.add(name, backend, files)
    rejected, not_checked = checkers.run()
    if folder is not None:
        rendered = {name: outcome.files for name, outcome in outcomes.items()}
        folder.write(rendered, inventory.bridges, inventory.all_bridges)
    foreign = [each for outcome in outcomes.values() for each in outcome.notes]
    notes += [f"{each.located_problem}, which the roles ignore." for each in dict.fromkeys(foreign)]
    notes += [
        f"{file} was not read, because it is encrypted as a whole."
        for file in sorted({file for each in results.values() for file in each.skipped})
    ]
    report = _report(options, started, [*findings, *rejected])
    return dataclasses.replace(
        report,
        bridges=tuple(outcome.bridge for outcome in outcomes.values()),
        not_checked=tuple(not_checked),
        notes=tuple(notes),
    )


def _report(options: Options, started: float, findings: Sequence[Finding]) -> Report:
    output = short(options.output) if options.output else None
    seconds = time.monotonic() - started
    return Report(str(options.inventory), (), merged(findings), (), (), output, seconds)


def _validate_all(read: _Read) -> dict[str, _Result]:
    """Validate all bridges, with one process per processor."""
    names = read.inventory.all_bridges
    if len(read.inventory.bridges) <= _FEW:
        return _validate_some(read, names)
    processes = min(os.cpu_count() or 1, len(names))
    shares = [names[each::processes] for each in range(processes)]
    # Ansible's objects cannot be pickled; forked processes inherit them.
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=_inherit, initargs=(read,)
    ) as pool:
        found = {
            name: each
            for share in pool.map(_validate_share, shares)
            for name, each in share.items()
        }
    return {name: found[name] for name in names}


_inherited: list[_Read] = []


def _inherit(read: _Read) -> None:
    _inherited.append(read)


def _validate_share(names: Sequence[str]) -> dict[str, _Result]:
    return _validate_some(_inherited[-1], names)


def _validate_some(read: _Read, names: Sequence[str]) -> dict[str, _Result]:
    cache = RenderCache(read.inventory.loader)
    return {name: _validate_one(read, name, cache) for name in names}


def _validate_one(read: _Read, name: str, cache: RenderCache) -> _Result:
    inventory = read.inventory
    variables = inventory.variables(name)
    outcome, secrets = None, []
    unique, issues = claims(inventory, name, variables)
    if name in inventory.bridges:
        options = all_options(inventory.specs)
        known = with_environment(variables, options, read.environment)
        outcome, checked = validate_bridge(inventory, name, known, read.strict, cache)
        outcome.findings.extend(Finding(each, "variables", (name,)) for each in issues)
        # Without hostvars, whose secrets belong to other hosts.
        own = {key: value for key, value in variables.items() if key not in ALL_VARIABLES}
        secrets = list(plaintext_secrets(own, checked.rendered, options))
    return _Result(unique, secrets, outcome, frozenset(inventory.loader.skipped))
