"""The GitHub Action and the pre-commit hook in a user's repository.

Both run as they would there, out of a clone of this working tree. Only Python's packages are those
of this project's environment: ansible/tooling/setup.sh has its own tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.validate.conftest import GOOD, PROJECT, write

PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")
EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of the working tree: what git has, or would add."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        source, target = PROJECT / name, folder / name
        if source.is_file() and not name.startswith("tests/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    (folder / ".venv").symlink_to(PROJECT / ".venv")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a user's repository with one bridge."""
    folder = tmp_path / "bridges"
    write(folder, {"home/garage.yml": GOOD})
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def action(clone: Path) -> dict[str, Any]:
    """Read the action."""
    read: dict[str, Any] = yaml.safe_load((clone / "action.yml").read_text())
    return read


class Runner:
    """As much of GitHub's runner as a composite action of shell steps needs.

    Attributes:
        outputs: what the steps have handed on.
    """

    def __init__(self, clone: Path, repository: Path, scratch: Path) -> None:
        """Take the folders that a runner has."""
        self._action = action(clone)
        self._repository, self._scratch = repository, scratch
        self._environment = {
            **{
                key: os.environ[key]
                for key in ("PATH", "HOME", "XDG_CACHE_HOME")
                if key in os.environ
            },
            "GITHUB_ACTION_PATH": str(clone),
            "GITHUB_WORKSPACE": str(repository),
            "GITHUB_OUTPUT": str(scratch / "output"),
            "RUNNER_TEMP": str(scratch),
        }
        self.outputs: dict[str, str] = {}

    def run(self, **given: str) -> tuple[int, str]:
        """Run the steps in their order; exit status and output of the last one that ran."""
        inputs = {name: each["default"] for name, each in self._action["inputs"].items()}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        status, output = 0, ""
        for step in self._action["runs"]["steps"]:
            if "run" not in step or not self._is_wanted(step, inputs):
                continue
            assert step["shell"] == "bash"
            own = {key: self._filled(value, inputs) for key, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
                cwd=self._repository, env={**self._environment, **own}, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            status, output = done.returncode, done.stdout
            if status:
                break
        handed = self._scratch / "output"
        if handed.exists():
            pairs = (line.partition("=") for line in handed.read_text().splitlines())
            self.outputs = {name: value for name, _, value in pairs}
        return status, output

    def _is_wanted(self, step: dict[str, Any], inputs: dict[str, str]) -> bool:
        if "if" not in step:
            return True
        match = re.fullmatch(r"inputs\.(\S+) == '(\w+)'", step["if"])
        assert match, step["if"]
        return inputs[match[1]] == match[2]

    def _filled(self, text: str, inputs: dict[str, str]) -> str:
        return EXPRESSION.sub(lambda match: inputs[match[1].removeprefix("inputs.")], text)


@pytest.fixture
def runner(clone: Path, repository: Path, tmp_path: Path) -> Runner:
    """Return a runner on which the repository is checked out."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Runner(clone, repository, scratch)


def test_the_action_is_one_that_github_takes(clone: Path) -> None:
    read = action(clone)
    assert read["runs"]["using"] == "composite"
    assert all(each["description"] for each in read["inputs"].values())
    for step in read["runs"]["steps"]:
        if "uses" in step:
            assert PINNED.fullmatch(step["uses"]), "a tag may be moved, a commit may not"
        else:
            # GitHub fills it in before bash reads it: an input could be more script.
            assert "${{" not in step["run"]


@pytest.mark.needs_system
def test_the_action_passes_a_good_bridge(runner: Runner) -> None:
    status, output = runner.run(inventory="inventory/home")
    assert status == 0, output
    assert "1 bridge, no findings" in output
    folder = Path(runner.outputs["folder"])
    assert (folder / "garage/networkmanager/etc/haproxy/haproxy.cfg").is_file()


@pytest.mark.needs_system
def test_the_action_shows_a_mistake_beside_its_line(runner: Runner, repository: Path) -> None:
    write(repository, {"home/garage.yml": GOOD + "      proxy_http_port: 22\n"})
    status, output = runner.run()
    assert status == 1
    assert "::error file=inventory/home/garage.yml,line=7,title=proxy_http_port::garage: " in output


@pytest.mark.needs_system
def test_the_action_opens_what_is_encrypted(runner: Runner, repository: Path) -> None:
    password = repository.parent / "password"
    password.write_text("open sesame\n")
    done = subprocess.run(
        [str(PROJECT / ".venv/bin/ansible-vault"), "encrypt_string", "not a name", "--name",
         "uplink_hostname", "--vault-password-file", str(password)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = "".join(f"      {line}\n" for line in done.stdout.splitlines())
    write(repository, {"home/garage.yml": GOOD + lines})

    status, output = runner.run()
    assert status == 0, output
    assert "garage's uplink_hostname" in output
    status, output = runner.run(vault_password="open sesame")  # noqa: S106 - it opens nothing else
    assert status == 1
    assert "title=uplink_hostname::" in output
    assert "sesame" not in output


@pytest.mark.parametrize("hostile", ["; touch stolen", "$(touch stolen)", '" && touch stolen "'])
def test_the_action_does_not_execute_its_inputs(
    runner: Runner, repository: Path, hostile: str
) -> None:
    for name in ("inventory", "limit", "format", "strict", "vault_password"):
        runner.run(**{name: hostile})
    assert not (repository / "stolen").exists()


# Modules that Python would find in the current folder.
_MODULES = ("ansible", "bridgectl", "jinja2", "sitecustomize", "venv", "yaml")


def place_modules(repository: Path) -> None:
    """Put modules into a repository that Python would find in the current folder."""
    for name in _MODULES:
        (repository / f"{name}.py").write_text(f"open({str(repository / 'ran')!r}, 'w')\n")


@pytest.mark.parametrize("form", ["github", "text"])
def test_the_action_runs_nothing_of_the_repository(
    runner: Runner, repository: Path, form: str
) -> None:
    place_modules(repository)
    name = "::error::x.yml"
    write(repository, {f"home/{name}": "---\nx: [\n", "home/##[error]y.yml": "---\nx: [\n"})
    status, output = runner.run(format=form)
    assert status == 1, output
    assert not (repository / "ran").exists()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if form == "github":
        assert all(line.startswith(("::error file=", "::notice ", "inventory/")) for line in lines)
    else:
        marks = [line for line in lines if line.startswith("::") and "x.yml" not in line]
        assert [lines[0], lines[-1]] == marks
        assert marks[1] == f"::{marks[0].removeprefix('::stop-commands::')}::"
        assert len(marks[1]) > 30


def test_python_is_installed_without_modules_of_the_repository(
    clone: Path, repository: Path, tmp_path: Path
) -> None:
    place_modules(repository)
    tooling = tmp_path / "other/ansible/tooling"
    shutil.copytree(clone / "ansible/tooling", tooling)
    # Without the lock file it ends after it has made the environment.
    (tmp_path / "other/requirements.lock").write_text("nothing==1 --hash=sha256:00\n")
    done = subprocess.run(
        [str(tooling / "setup.sh"), "validate"], cwd=repository, capture_output=True, text=True,
        env={**os.environ, "PIP_NO_INDEX": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "Python packages could not be installed" in done.stderr
    assert (tmp_path / "other/.venv/bin/pip").exists()
    assert not (repository / "ran").exists()


def test_the_action_installs_the_packages_of_all_daemons(clone: Path) -> None:
    script = (clone / "ansible/tooling/setup.sh").read_text()
    (packages,) = re.findall(r"^checker_packages='(.*)'$", script, re.MULTILINE)
    programs = (clone / "ansible/bridgectl/validate/daemons.py").read_text()
    # systemd is installed on every runner.
    for package in set(packages.split()):
        assert f'"{package}"' in programs
    (step,) = [each for each in action(clone)["runs"]["steps"] if "if" in each]
    assert 'ansible/tooling/setup.sh" checkers' in step["run"]


def hook(clone: Path) -> dict[str, Any]:
    """Read the hook."""
    (read,) = yaml.safe_load((clone / ".pre-commit-hooks.yaml").read_text())
    assert read["id"] == "pvs-bridge-validate"
    return dict(read)


def commit(clone: Path, repository: Path, *arguments: str) -> tuple[int, str]:
    """Run the hook as pre-commit runs one of the language script: out of its own clone."""
    read = hook(clone)
    assert read["language"] == "script"
    assert read["pass_filenames"] is False
    done = subprocess.run(
        [str(clone / read["entry"]), *arguments], cwd=repository, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.needs_system
def test_the_hook_lets_a_good_bridge_pass_and_leaves_nothing_behind(
    clone: Path, repository: Path
) -> None:
    status, output = commit(clone, repository)
    assert status == 0, output
    assert {each.name for each in repository.iterdir()} == {".git", "inventory"}


def test_the_hook_runs_nothing_of_the_repository(clone: Path, repository: Path) -> None:
    place_modules(repository)
    write(repository, {"home/garage.yml": GOOD + "      proxy_http_port: 22\n"})
    status, output = commit(clone, repository)
    assert status == 1, output
    assert not (repository / "ran").exists()


@pytest.mark.needs_system
def test_the_hook_stops_a_bad_bridge(clone: Path, repository: Path) -> None:
    write(repository, {"home/garage.yml": GOOD + "      uplink_gateway: 192.168.1.1\n"})
    status, output = commit(clone, repository, "--inventory", "inventory/home")
    assert status == 1
    assert "inventory/home/garage.yml:7: uplink_gateway: is not used" in output


@pytest.mark.needs_system
def test_the_hook_stops_a_secret(clone: Path, repository: Path) -> None:
    write(repository, {"home/garage.yml": GOOD + "      ansible_become_password: sunflower\n"})
    status, output = commit(clone, repository)
    assert status == 1
    assert "garage.yml:7: ansible_become_password: is a plaintext secret in a file" in output
    assert "sunflower" not in output
