"""What of this project gets onto the card."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pvs_image.paths import PROJECT
from pvs_image.provision import INVENTORY, copy_project

ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as the card has it."""
    card = tmp_path_factory.mktemp("card") / "pvs-bridge"
    copy_project(card)
    return card


def test_the_card_can_run_the_playbook_that_a_controller_runs(card: Path) -> None:
    done = subprocess.run(
        [ANSIBLE, "--syntax-check", "--inventory", "pvs-bridge,", "ansible/site.yml"],
        cwd=card, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_all_roles_are_there_and_nothing_that_only_a_controller_uses(card: Path) -> None:
    assert sorted(each.name for each in (card / "roles").iterdir()) == sorted(
        each.name for each in (PROJECT / "roles").iterdir()
    )
    for name in ("ansible/validation", "ansible/rehearsal", "ansible/image.yml", "tests", "image"):
        assert not (card / name).exists()


def test_nothing_is_there_that_git_does_not_know(card: Path) -> None:
    assert not list(card.rglob("__pycache__"))
    assert not list(card.rglob("*.pyc"))


def test_modes_do_not_depend_on_the_builder(card: Path) -> None:
    assert {each.stat().st_mode & 0o7777 for each in card.rglob("*")} <= {0o644, 0o755}


def test_a_copy_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    left = tmp_path / "pvs-bridge/roles/gone/tasks/main.yml"
    left.parent.mkdir(parents=True)
    left.write_text("---\n")
    copy_project(tmp_path / "pvs-bridge")
    assert not left.exists()


def test_a_card_knows_no_home_yet() -> None:
    described = yaml.safe_load((INVENTORY / "card.yml").read_text())
    card = described["pvs_bridges"]["hosts"]["pvs-bridge"]
    assert card["uplink_type"] == "none"
    assert "uplink_networks" not in card
