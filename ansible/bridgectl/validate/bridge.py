"""One bridge: its variables judged, its files rendered."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    Judgement,
    judge,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import (
    Finding,
    variable_name,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.inventory.load import Inventory
from bridgectl.inventory.placeholders import NoStandInError, without_secrets
from bridgectl.validate.assumed_pi import BACKENDS
from bridgectl.validate.render_cache import Memory
from bridgectl.validate.rendered_files import Written, written_files
from bridgectl.validate.report import Bridge, Problem, Sealed

Files = dict[str, dict[str, Written]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a bridge.

    Attributes:
        bridge: in short.
        problems: what is wrong with its variables.
        files: rendered, by backend and path on the Pi.
    """

    bridge: Bridge
    problems: list[Problem]
    files: Files


def validate_bridge(
    inventory: Inventory, name: str, variables: Mapping[str, Any], strict: bool, memory: Memory
) -> tuple[Outcome, Judgement]:
    """Judge a bridge's variables, and render its files where they are good.

    Args:
        inventory: that it is in.
        name: the bridge.
        variables: what its play knows, as written.
        strict: whether what cannot be looked into is a mistake.
        memory: what was rendered for others.

    Returns:
        what became of it; and what is known about its variables.
    """
    all_known = not inventory.loader.sealed
    judged = judge(variables, inventory.specs, Templar(inventory.loader), not strict, all_known)
    # What is written nowhere may stand in a file that is encrypted as a whole.
    findings = [each for each in judged.findings if all_known or each.file]
    problems = [_problem(name, each) for each in findings]
    sealed = tuple(
        Sealed(variable_name(each.path), each.problem, each.hint) for each in judged.sealed
    )
    files: Files = {}
    reason = "its variables are wrong" if findings else None
    if not findings:
        try:
            files = _files(inventory, {**variables, **_shown(inventory, judged)}, memory)
        except NoStandInError as error:
            reason = f"{variable_name(error.path)} could not be looked into"
        except AnsibleError as error:
            if all_known:
                problems.append(_unrendered(name, error))
            reason = "a file could not be rendered"
    count = sum(map(len, files.values()))
    bridge = Bridge(name, tuple(files), count, sealed, reason)
    return Outcome(bridge, problems, files), judged


def _shown(inventory: Inventory, judged: Judgement) -> dict[str, Any]:
    """Return the variables that the roles read, as they may be shown."""
    options = all_options(inventory.specs)
    return {
        name: without_secrets(judged.raw.get(name), value, options.get(name), (name,))
        for name, value in judged.rendered.items()
    }


def _files(inventory: Inventory, variables: Mapping[str, Any], memory: Memory) -> Files:
    """Render for each backend that the bridge may have: for both where it does not say."""
    chosen = variables["bridge_backend"]
    backends = [chosen] if chosen in BACKENDS else BACKENDS
    return {each: written_files(inventory.tasks, variables, each, memory) for each in backends}


def _problem(bridge: str, finding: Finding) -> Problem:
    return Problem(
        "variables",
        finding.problem,
        finding.hint,
        variable=finding.variable,
        file=finding.file,
        line=finding.line,
        bridges=(bridge,),
    )


def _unrendered(bridge: str, error: AnsibleError) -> Problem:
    """Say why a file could not be rendered: without secrets, for stand-ins are in their place."""
    said = " ".join(str(error).split())[:400]
    return Problem(
        "rendering",
        f"a file cannot be rendered: {said}",
        "correct the variable that it names; if it names none, that is a fault of pvs-bridge",
        bridges=(bridge,),
    )
