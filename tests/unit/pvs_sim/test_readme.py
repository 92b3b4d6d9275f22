"""The page about the simulator says what the program does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pvs_sim
from pvs_sim import Simulator
from pvs_sim.cli import build_parser
from pvs_sim.client import fetch
from pvs_sim.faults import COMMON, KINDS

README = (Path(pvs_sim.__file__).parent / "README.md").read_text()


def test_the_page_has_exactly_the_options_of_the_command_line() -> None:
    listed = re.search(r"## Options\n(.*?)\n## ", README, re.DOTALL)
    assert listed is not None
    rows = [line.split("|")[1] for line in listed[1].splitlines() if line.startswith("| `--")]
    told = {option for row in rows for option in re.findall(r"`(--[a-z0-9-]+)`", row)}
    known = {option for action in build_parser()._actions for option in action.option_strings}
    assert told == known - {"-h", "--help"}


def test_the_page_has_every_kind_of_fault_with_its_keys() -> None:
    for kind, keys in KINDS.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| `{kind}` |"))
        assert all(f"`{key}`" in row for key in keys)
    assert all(f"`{key}`" in README for key in COMMON)


def test_the_page_has_exactly_the_paths_of_the_control_port(boot: Callable[..., Simulator]) -> None:
    error = fetch(f"{boot().control_url}/_sim/").json()["error"]
    assert set(re.findall(r"/_sim/[a-z]+", README)) == set(re.findall(r"/_sim/[a-z]+", error))


def test_the_example_for_python_runs() -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example is not None
    names: dict[str, object] = {}
    exec(example[1], names)  # noqa: S102 - our own page
    assert len(names["devices"]) == 15  # type: ignore[arg-type]
