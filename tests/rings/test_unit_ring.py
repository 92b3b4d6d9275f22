"""Ring 1 needs Python and git only, which proves its marker ``needs_system``."""

from __future__ import annotations

import pytest

from pvs_lab import bare_machine


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_make_unit_needs_no_root_and_no_program_beside_python_and_git() -> None:
    # As the Makefile's target, without its setup: there is no network.
    status = bare_machine.run("pytest", "-q", "-n2", "tests/unit", "-m", "not needs_system")
    assert status == 0
