"""make init: the file that it writes, and what it refuses."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.bridgectl.conftest import PROJECT

from bridgectl.commands import init
from bridgectl.init.detect import Found

UNKNOWN = {**os.environ, "TZ": "Etc/UTC", "LANG": "C", "LC_ALL": "C", "PATH": "/nowhere"}
COMMENTED_VARIABLE = re.compile(r"^ +# (?:- )?([a-z]+(?:_[a-z]+)+): ", re.MULTILINE)


def make_init(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the program as the Makefile does, on a computer that knows nothing."""
    return subprocess.run(
        [sys.executable, "-m", "bridgectl", "init", *arguments],
        cwd=folder,
        env={**UNKNOWN, "PYTHONPATH": str(PROJECT / "ansible")},
        capture_output=True,
        text=True,
        check=False,
    )


def host(text: str, name: str = "garage") -> dict[str, Any]:
    """Return the variables of a bridge out of its description."""
    variables = yaml.safe_load(text)["pvs_bridges"]["hosts"][name]
    assert isinstance(variables, dict)
    return variables


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run it where everything can be found out."""
    monkeypatch.setattr(init, "find_country", lambda: Found("NO", "this computer's Wi-Fi"))
    monkeypatch.setattr(init, "find_ssid", lambda: "Jack & Jill's")
    monkeypatch.setattr(init, "resolves", lambda _: True)


def test_it_writes_a_bridge_and_says_what_to_do_next(tmp_path: Path) -> None:
    done = make_init("garage", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "inventory/home/garage.yml has been created. Open it and replace each CHANGE-ME by the "
        "real value.",
        "Show what would change on the Pi:  make check LIMIT=garage",
        "Configure the Pi as a bridge:      make provision LIMIT=garage",
    ]
    assert host((tmp_path / "inventory/home/garage.yml").read_text()) == {
        "ansible_host": "garage.local",
        "ansible_user": "pi",
        "uplink_country": "CHANGE-ME",
        "uplink_networks": [{"ssid": "CHANGE-ME", "passphrase": "CHANGE-ME"}],
    }


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    make_init("garage", folder=tmp_path)
    mode = (tmp_path / "inventory/home/garage.yml").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_another_inventory_is_named_in_what_to_do_next(tmp_path: Path) -> None:
    done = make_init("garage", "--inventory", "my sites", folder=tmp_path)
    assert "make check INVENTORY='my sites' LIMIT=garage\n" in done.stdout
    assert (tmp_path / "my sites/garage.yml").is_file()


@pytest.mark.usefixtures("known")
def test_it_fills_in_what_can_be_found_out() -> None:
    text = init.render("garage", "inventory/home")
    assert host(text) == {
        "ansible_host": "garage.local",
        "ansible_user": "pi",
        "uplink_country": "NO",
        "uplink_networks": [{"ssid": "Jack & Jill's", "passphrase": "CHANGE-ME"}],
    }
    assert "Taken from this computer's Wi-Fi;" in text
    assert "This name could be resolved when this file was created." in text


def test_it_says_how_to_find_a_pi_that_does_not_answer(
    known: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del known
    monkeypatch.setattr(init, "resolves", lambda _: False)
    text = init.render("garage", "inventory/home")
    assert "This name could not be resolved" in text
    assert "the home's router shows" in text


@pytest.mark.usefixtures("known")
def test_what_it_writes_passes_yamllint(project: Path, tmp_path: Path) -> None:
    (tmp_path / "garage.yml").write_text(init.render("garage", "inventory/home"))
    subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "-c", project / ".yamllint", tmp_path],
        check=True,
    )


@pytest.mark.usefixtures("known")
def test_every_variable_in_its_comments_exists(project: Path) -> None:
    options = {
        name
        for file in project.glob("roles/*/meta/argument_specs.yml")
        for name in yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"]
    }
    mentioned = COMMENTED_VARIABLE.findall(init.render("garage", "inventory/home"))
    assert len(mentioned) > 10
    assert [name for name in mentioned if name not in options] == []


@pytest.mark.usefixtures("known")
def test_the_variables_in_its_comments_are_yaml_when_they_are_uncommented() -> None:
    text = init.render("garage", "inventory/home")
    uncommented = re.sub(r"^( +)# (?=[a-z_]+: )", r"\1", text, flags=re.MULTILINE)
    variables = host(uncommented)
    assert variables["uplink_dns_servers"] == ["192.168.1.1"]
    assert variables["uplink_networks"][0]["priority"] == 10


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("name", ["g", "Garage", "barn-2", "123", "true", "null", "0x1f", "a" * 63])
def test_a_name_stays_the_text_that_it_is(name: str) -> None:
    init.check_name(name)
    assert host(init.render(name, "inventory/home"), name)["ansible_host"] == f"{name}.local"


@pytest.mark.usefixtures("known")
def test_the_environment_variable_is_one_that_a_shell_can_set() -> None:
    assert "'WIFI_PASSPHRASE_2ND_BARN'" in init.render("2nd-barn", "inventory/home")


@pytest.mark.parametrize(
    "name",
    ["garage.local", "two words", "-garage", "--garage", "garage-", "a" * 64, "../garage",
     "gar_age", "Tür", "garage\n", "$(reboot)", "a/b"],
)  # fmt: skip
def test_a_name_that_is_not_a_host_name_is_an_error(tmp_path: Path, name: str) -> None:
    done = make_init(name, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: NAME must be a host name without a dot, got ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["all", "localhost", "Ungrouped"])
def test_a_name_with_a_meaning_in_ansible_is_an_error(tmp_path: Path, name: str) -> None:
    done = make_init(name, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: NAME must not be {name}, which has a special meaning")
    assert list(tmp_path.iterdir()) == []


def test_it_says_that_the_name_is_missing(tmp_path: Path) -> None:
    done = make_init("", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "error: NAME is missing\n  hint: choose a name, such as make init NAME=garage\n"
    )


def test_it_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "inventory/home/garage.yml"
    file.parent.mkdir(parents=True)
    file.write_text("mine\n")
    done = make_init("garage", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "error: inventory/home/garage.yml exists already and is not changed\n"
        "  hint: edit it, choose another NAME, or move it away\n"
    )
    assert file.read_text() == "mine\n"


def test_it_does_not_write_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "inventory/home/garage.yml"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "elsewhere")
    assert make_init("garage", folder=tmp_path).returncode == 1
    assert not (tmp_path / "elsewhere").exists()


def test_it_refuses_an_inventory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("mine\n")
    done = make_init("garage", "--inventory", "hosts", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: INVENTORY: the folder hosts cannot be created: ")
    assert (tmp_path / "hosts").read_text() == "mine\n"
