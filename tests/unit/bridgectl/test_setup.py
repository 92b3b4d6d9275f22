"""ansible/tooling/setup.sh: quick and silent when nothing is missing, plain about what is.

A copy of it runs in a project of its own; dpkg, apt, sudo and Python are stand-ins.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STAND_INS = {
    "apt-get": 'echo "apt-get $*" >> "$CALLS"; echo "E: apt says why"; exit "${APT_STATUS:-0}"',
    "dpkg-query": """
        for package; do :; done
        case " $MISSING " in *" $package "*) exit 1 ;; esac
        printf 'ii '
    """,
    "id": 'echo "$USER_ID"',
    "pip": 'echo pip >> "$CALLS"; exit "${PIP_STATUS:-0}"',
    "sudo": """
        [ -n "$SUDO_WORKS" ] || exit 1
        [ "$1" != -n ] || exit 0
        echo "sudo $1" >> "$CALLS"
        exec "$@"
    """,
    # Believes to be another Python; what it is told to run is judged by the real one.
    "python3": f"""
        case "$1" in
            --version) echo "Python $VERSION" ;;
            -c) exec '{sys.executable}' -c "import sys
sys.version_info = tuple(map(int, '$VERSION'.split('.')))
$2" ;;
            -I)
                echo "python3 $*" >> "$CALLS"
                mkdir -p "$4/bin"
                cp "$(command -v pip)" "$4/bin/pip"
                ;;
        esac
    """,
}
TOOLS = ("cat", "cksum", "cp", "dirname", "env", "mkdir", "mktemp", "rm", "sh", "tail")


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine with a copy of the project's set-up.

    Attributes:
        folder: has the project, the tools and the list of calls.
    """

    folder: Path

    def setup(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script; keywords are what the stand-ins do."""
        defaults = {"USER_ID": "0", "MISSING": "", "SUDO_WORKS": "", "VERSION": "3.13.5"}
        return subprocess.run(
            [self.folder / "project/ansible/tooling/setup.sh", *arguments],
            env={
                "PATH": str(self.folder / "tools"),
                "HOME": str(self.folder),
                "TMPDIR": str(self.folder),
                "CALLS": str(self.folder / "calls"),
                **defaults,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """What was called that would change the machine; forgotten once it is read."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path, project: Path) -> Machine:
    """Return a machine that has all Debian packages, and no .venv yet."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    for name, script in STAND_INS.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    (tmp_path / "project/ansible/tooling").mkdir(parents=True)
    shutil.copy(project / "ansible/tooling/setup.sh", tmp_path / "project/ansible/tooling/setup.sh")
    shutil.copy(project / "requirements.lock", tmp_path / "project/requirements.lock")
    return Machine(tmp_path)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """Return a machine that has been set up."""
    done = machine.setup("test")
    assert done.returncode == 0, done.stderr
    assert machine.calls == [f"python3 -I -m venv {machine.folder}/project/.venv", "pip"]
    return machine


@pytest.mark.parametrize("role", ["controller", "lab", "radio", "test"])
def test_a_machine_that_has_all_installs_nothing_in_silence(ready: Machine, role: str) -> None:
    done = ready.setup(role)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ready.calls == []


def test_another_lock_makes_another_environment(ready: Machine) -> None:
    left_over = ready.folder / "project/.venv/left-over"
    left_over.touch()
    with (ready.folder / "project/requirements.lock").open("a") as lock:
        lock.write("# another\n")
    done = ready.setup("lab")
    assert (done.returncode, done.stdout) == (0, ""), "standard output is lab-run's"
    assert "installing Python packages" in done.stderr
    assert ready.calls[-1] == "pip"
    assert not left_over.exists()


def test_another_python_makes_another_environment(ready: Machine) -> None:
    assert ready.setup("lab", VERSION="3.14.0").returncode == 0
    assert ready.calls[-1] == "pip"


def test_what_pip_could_not_install_is_tried_again(machine: Machine) -> None:
    done = machine.setup("controller", PIP_STATUS="1")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "error: Python packages could not be installed\n"
        "  hint: see pip's message above, then try again\n"
    )
    assert machine.calls[-1] == "pip"
    assert machine.setup("controller").returncode == 0
    assert machine.calls[-1] == "pip"


def test_a_user_without_sudo_gets_the_command(ready: Machine) -> None:
    done = ready.setup("lab", USER_ID="1000", MISSING="socat mmdebstrap")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: Debian packages are missing: mmdebstrap socat\n"
        "  hint: as root, run: apt-get update && "
        "apt-get install --yes --no-install-recommends mmdebstrap socat\n"
    )
    assert ready.calls == []


def test_a_package_of_another_target_is_not_missed(ready: Machine) -> None:
    assert ready.setup("controller", MISSING="mmdebstrap").returncode == 0
    assert ready.setup("lab", MISSING="shellcheck qemu-system-x86").returncode == 0
    assert ready.calls == []


@pytest.mark.parametrize(("user", "prefix"), [("0", []), ("1000", ["sudo"])])
def test_missing_packages_are_installed_as_root(
    ready: Machine, user: str, prefix: list[str]
) -> None:
    done = ready.setup("lab", USER_ID=user, MISSING="socat", SUDO_WORKS="1")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == "installing Debian packages: socat\n"
    calls = ready.calls
    assert [call for call in calls if call.startswith("apt-get")] == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends socat",
    ]
    assert [call.split()[0] for call in calls if not call.startswith("apt-get")] == prefix * 2


def test_validating_needs_no_debian_package_and_no_root(machine: Machine) -> None:
    done = machine.setup("validate", USER_ID="1000", MISSING="openssh-client python3-venv")
    assert (done.returncode, done.stdout) == (0, "")
    assert machine.calls == [f"python3 -I -m venv {machine.folder}/project/.venv", "pip"]


def test_what_judges_files_is_installed_where_it_is_asked_for(ready: Machine) -> None:
    assert ready.setup("checkers", MISSING="haproxy nftables").returncode == 0
    assert "install --yes --no-install-recommends haproxy nftables" in ready.calls[-1]


def test_a_lab_with_a_radio_needs_a_machine_that_is_not_there(ready: Machine) -> None:
    done = ready.setup("radio", USER_ID="1000", MISSING="qemu-system-x86 shellcheck")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Debian packages are missing: qemu-system-x86\n")


def test_the_words_of_apt_are_shown_when_it_fails(ready: Machine) -> None:
    done = ready.setup("lab", MISSING="socat", APT_STATUS="100")
    assert done.returncode == 1
    *_, words, problem, hint = done.stderr.splitlines()
    assert (words, problem) == ("E: apt says why", "error: apt-get could not install socat")
    assert Path(hint.split()[-1]).read_text() == "E: apt says why\n"


@pytest.mark.parametrize(("version", "status"), [("3.10.12", 1), ("3.9.2", 1), ("3.11.0", 0)])
def test_a_python_that_is_too_old_is_refused(machine: Machine, version: str, status: int) -> None:
    done = machine.setup("controller", VERSION=version)
    assert done.returncode == status
    refused = (
        f"error: Python {version} is too old\n"
        "  hint: install Python 3.11 or newer, or set PYTHON=...\n"
    )
    assert (done.stderr == refused) == bool(status)
    assert (machine.folder / "project/.venv").exists() != bool(status)


def test_a_python_that_is_not_there_is_named(machine: Machine) -> None:
    done = machine.setup("controller", PYTHON="python3.99")
    assert done.returncode == 1
    assert done.stderr == (
        "error: PYTHON=python3.99 is not installed\n"
        "  hint: install it, or set PYTHON to an installed interpreter\n"
    )


@pytest.mark.parametrize("arguments", [[], ["pi"], [""]])
def test_another_argument_gets_the_usage(machine: Machine, arguments: list[str]) -> None:
    done = machine.setup(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    choices = (
        "validate|checkers|controller|lab|radio|arm64|card|repository|image|test-image|test|lint"
    )
    assert done.stderr == f"usage: ansible/tooling/setup.sh {choices}\n"
    assert machine.calls == []


def test_a_machine_without_dpkg_needs_ssh_alone(ready: Machine) -> None:
    (ready.folder / "tools/dpkg-query").unlink()
    done = ready.setup("controller")
    assert done.returncode == 1
    assert done.stderr == "error: ssh is not installed\n  hint: install OpenSSH's client\n"
    (ready.folder / "tools/ssh").symlink_to(ready.folder / "tools/id")
    assert ready.setup("controller").returncode == 0
