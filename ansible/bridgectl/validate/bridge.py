"""Check the variables of one bridge, and render its files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    CheckedVariables,
    check_variables,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import variable_name
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.errors import Issue
from bridgectl.inventory.load import Inventory
from bridgectl.inventory.placeholders import NoPlaceholderError, without_secrets
from bridgectl.validate.assumed_pi import BACKENDS
from bridgectl.validate.render_cache import RenderCache
from bridgectl.validate.rendered_files import RenderedFile, rendered_files
from bridgectl.validate.report import Bridge, Finding

Files = dict[str, dict[str, RenderedFile]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one bridge.

    Attributes:
        bridge: for the report.
        findings: what is wrong with its variables.
        files: rendered, by backend and path on the Pi.
        notes: variables that may belong to roles of other projects.
    """

    bridge: Bridge
    findings: list[Finding]
    files: Files
    notes: list[Issue]


def validate_bridge(
    inventory: Inventory, name: str, variables: Mapping[str, Any], strict: bool, cache: RenderCache
) -> tuple[Outcome, CheckedVariables]:
    """Check a bridge's variables, and render its files if they are correct.

    Args:
        inventory: the inventory of the bridge.
        name: the bridge.
        variables: its variables in the play, as written.
        strict: whether values that cannot be read are findings.
        cache: values that were rendered for other bridges.

    Returns:
        the result, and the checked variables.
    """
    all_known = not inventory.loader.skipped
    templar = Templar(inventory.loader)
    checked = check_variables(variables, inventory.specs, templar, not strict, all_known)
    # A missing variable may be set in a file that is encrypted as a whole.
    issues = [each for each in checked.issues if all_known or each.location.file]
    findings = [Finding(each, "variables", (name,)) for each in issues]
    files: Files = {}
    reason = "its variables are wrong" if issues else None
    if not issues:
        try:
            files = _files(inventory, {**variables, **_shown(inventory, checked)}, cache)
        except NoPlaceholderError as error:
            reason = f"{variable_name(error.path)} could not be read"
        except AnsibleError as error:
            if all_known:
                findings.append(Finding(_not_rendered(error), "rendering", (name,)))
            reason = "a file could not be rendered"
    count = sum(map(len, files.values()))
    bridge = Bridge(name, tuple(files), count, tuple(checked.unreadable), reason)
    return Outcome(bridge, findings, files, checked.notes), checked


def _shown(inventory: Inventory, checked: CheckedVariables) -> dict[str, Any]:
    """Return the variables that the roles read, without secrets."""
    options = all_options(inventory.specs)
    return {
        name: without_secrets(checked.raw.get(name), value, options.get(name), (name,))
        for name, value in checked.rendered.items()
    }


def _files(inventory: Inventory, variables: Mapping[str, Any], cache: RenderCache) -> Files:
    """Render the files of the bridge's backend; of both if the Pi decides."""
    chosen = variables["bridge_backend"]
    backends = [chosen] if chosen in BACKENDS else BACKENDS
    return {each: rendered_files(inventory.tasks, variables, each, cache) for each in backends}


def _not_rendered(error: AnsibleError) -> Issue:
    """Explain why a file could not be rendered; its secrets have been replaced before."""
    said = " ".join(str(error).split())[:400]
    return Issue(
        f"a file cannot be rendered: {said}",
        "correct the variable in the message; if it names none, report a bug in pvs-bridge",
    )
