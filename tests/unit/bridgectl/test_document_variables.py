"""make docs: the tables of variables in the roles' READMEs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from unit.bridgectl.conftest import PROJECT

SPEC = """\
argument_specs:
  main:
    options:
      demo_colour:
        type: str
        default: red
        choices: [red, "no"]
        description: Colour of the | bar.
      demo_networks:
        type: list
        elements: dict
        default: []
        description:
          - Networks,
            over two lines.
          - And a second paragraph.
        options:
          ssid:
            type: str
            required: true
            description: Its name.
      demo_limits:
        type: dict
        description: Limits.
        options:
          most:
            type: int
            default: 0
            description: The most.
  check:
    options:
      demo_colour:
        type: str
        default: red
        description: Seen before.
      demo_quiet:
        type: bool
        default: false
        description: Whether it is quiet.
      demo_name:
        default: "{{ inventory_hostname | replace('_', '-') }}"
        description: A template.
"""

TABLE = r"""
| Variable | Type | Default | What it is for |
| --- | --- | --- | --- |
| `demo_colour` | str | `red` | Colour of the \| bar. One of `red`, `no`. |
| `demo_networks` | list of dict | `[]` | Networks, over two lines. And a second paragraph. |
| `demo_networks[].ssid` | str | required | Its name. |
| `demo_limits` | dict | none | Limits. |
| `demo_limits.most` | int | `0` | The most. |
| `demo_quiet` | bool | `false` | Whether it is quiet. |
| `demo_name` | str | `{{ inventory_hostname \| replace('_', '-') }}` | A template. |

"""

README = "# demo\n\n<!-- variables -->{}<!-- /variables -->\n\nThe end.\n"


@pytest.fixture
def role(tmp_path: Path) -> Path:
    """Return a role with a spec and a README whose table is empty."""
    folder = tmp_path / "roles/demo"
    (folder / "meta").mkdir(parents=True)
    (folder / "meta/argument_specs.yml").write_text(SPEC)
    (folder / "README.md").write_text(README.format("\n"))
    return folder


def make_docs(role: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program on the roles beside one role."""
    return subprocess.run(
        [sys.executable, "-m", "bridgectl", "docs", "--roles", role.parent, *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "ansible")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_writes_the_table_between_the_marks_and_nothing_else(role: Path) -> None:
    done = make_docs(role)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{role}/README.md has been updated\n"
    assert (role / "README.md").read_text() == README.format("\n" + TABLE)


def test_a_role_without_variables_says_so(role: Path) -> None:
    spec = "argument_specs: {main: {options: {}}, check: {}}\n"
    (role / "meta/argument_specs.yml").write_text(spec)
    assert make_docs(role).returncode == 0
    assert (role / "README.md").read_text() == README.format("\n\nNone of its own.\n\n")


def test_a_second_run_has_nothing_to_do(role: Path) -> None:
    make_docs(role)
    done = make_docs(role)
    assert (done.returncode, done.stdout) == (0, "")
    assert make_docs(role, "--check").returncode == 0


def test_the_check_names_what_is_stale_and_leaves_it(role: Path) -> None:
    before = (role / "README.md").read_text()
    done = make_docs(role, "--check")
    assert done.returncode == 1
    assert done.stderr == f"{role}/README.md is outdated\n  hint: run make docs\n"
    assert (role / "README.md").read_text() == before


@pytest.mark.parametrize(
    "readme",
    [
        "# demo\n",
        "<!-- variables -->\n",
        "<!-- /variables -->\n<!-- variables -->\n",
        "<!-- variables -->\n<!-- /variables -->\n<!-- variables -->\n<!-- /variables -->\n",
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_it_refuses_a_readme_without_one_pair_of_marks(
    role: Path, readme: str, arguments: list[str]
) -> None:
    (role / "README.md").write_text(readme)
    done = make_docs(role, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"error: {role}/README.md must have one place for the variables\n"
    )
    assert (role / "README.md").read_text() == readme


@pytest.mark.parametrize("file", ["README.md", "meta/argument_specs.yml"])
def test_it_names_a_file_that_is_missing(role: Path, file: str) -> None:
    (role / file).unlink()
    done = make_docs(role)
    assert done.returncode == 1
    assert done.stderr == f"error: {role}/{file} is missing\n  hint: create it\n"


@pytest.mark.parametrize("spec", ["", "[]", "argument_specs: [", "argument_specs:\n  main:\n"])
def test_it_names_a_spec_that_is_none(role: Path, spec: str) -> None:
    (role / "meta/argument_specs.yml").write_text(spec)
    done = make_docs(role)
    assert done.returncode == 1
    problem = f"error: {role}/meta/argument_specs.yml is not a valid argument spec"
    assert done.stderr.startswith(problem)


def test_one_bad_role_does_not_keep_the_others_from_being_written(role: Path) -> None:
    (role.parent / "another").mkdir()
    assert make_docs(role).returncode == 1
    assert (role / "README.md").read_text() == README.format("\n" + TABLE)
