"""A contract for import-linter: some modules may import only a list of others."""

from __future__ import annotations

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """Modules import nothing but the allowed ones and Python's standard library.

    Configuration options:
        modules: The packages whose modules are checked.
        allowed: What they may import, with everything below it.
        exempt: Packages below ``modules`` that are not checked.
    """

    type_name = "only"

    modules = fields.SetField(subfield=fields.StringField())
    allowed = fields.SetField(subfield=fields.StringField())
    exempt = fields.SetField(subfield=fields.StringField(), required=False, default=set())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - interface
        """Collect the imports that are not allowed."""
        modules, allowed, exempt = (
            cast("set[str]", each or set()) for each in (self.modules, self.allowed, self.exempt)
        )
        checked = {
            module
            for module in graph.modules
            if is_below(module, modules) and not is_below(module, exempt)
        }
        found = sorted(
            (module, imported)
            for module in checked
            for imported in graph.find_modules_directly_imported_by(module)
            if not is_below(imported, allowed)
            and imported.partition(".")[0] not in sys.stdlib_module_names
        )
        # A package that was renamed must not make a contract without modules.
        kept = bool(checked) and not found
        return ContractCheck(
            kept=kept,
            metadata={"found": found, "checked": len(checked), "modules": sorted(modules)},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print them."""
        if not check.metadata["checked"]:
            output.print_error(
                f"No module of the project is below: {', '.join(check.metadata['modules'])}"
            )
        for module, imported in check.metadata["found"]:
            output.print_error(f"{module} must not import {imported}")


def is_below(module: str, packages: set[str]) -> bool:
    """Tell whether a module is one of some packages, or in one of them."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)
