"""The role health: variables, README and texts agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pvs_bridge.health.outcomes import LINKS, OUTCOMES


def load(path: Path) -> Any:  # noqa: ANN401 - any YAML
    return yaml.safe_load(path.read_text())


def test_every_variable_is_specified_with_its_default(role: Path) -> None:
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    defaults = load(role / "defaults/main.yml")
    assert {name: option["default"] for name, option in specs["main"]["options"].items()} == (
        defaults
    )
    assert specs["check"]["options"] == specs["main"]["options"]


def test_the_readme_has_the_text_of_every_outcome(role: Path) -> None:
    readme = (role / "README.md").read_text()
    for name, outcome in OUTCOMES.items():
        row = f"| `{name}` | {outcome.problem} | {outcome.hint} |"
        assert row in readme, f"write this row into README.md: {row}"


def test_the_readme_has_every_link(role: Path) -> None:
    readme = (role / "README.md").read_text()
    for name, title in LINKS.items():
        assert f"| `{name}` | {title} |" in readme
