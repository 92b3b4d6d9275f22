"""A Pi whose root cannot be locked, or is locked by another program, is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

_LOOK = Path(__file__).resolve().parents[3] / "roles/common/tasks/look.yml"


def refusals(*, wanted: bool, **pi: Any) -> list[str]:  # noqa: ANN401 - any fact
    """What of the root stands in the way of a run, for a Pi that is well but for what is given."""
    variables = {
        "inventory_hostname": "garage",
        "appliance_read_only_root": wanted,
        "__common_pi": {
            "initramfs": True,
            "root": {"locked": False, "ours": False},
            **pi,
        },
    }
    templar = Templar(loader=DataLoader(), variables=variables)

    def text(template: str) -> Any:  # noqa: ANN401 - what the template says
        return templar.template(trust_as_template(template))

    (asserted,) = (
        task["vars"]["__common_needs"]
        for task in yaml.safe_load(_LOOK.read_text())
        if task["name"] == "Check that the Pi fits its configuration"
    )
    about_the_root = [
        each
        for each in asserted
        if "appliance_read_only_root" in each["fits"] or ".root." in each["fits"]
    ]
    assert len(about_the_root) == 2
    return [text(each["problem"]) for each in about_the_root if not text(each["fits"])]


def test_a_pi_of_today_is_taken() -> None:
    assert refusals(wanted=True) == []
    assert refusals(wanted=True, root={"locked": True, "ours": True}) == []


def test_a_pi_whose_root_stays_unlocked_needs_nothing() -> None:
    assert refusals(wanted=False, initramfs=False) == []


@pytest.mark.parametrize(
    ("pi", "said"),
    [
        ({"initramfs": False}, "starts without an initramfs"),
    ],
)
def test_a_pi_that_cannot_lock_its_root_is_refused_with_the_hint(
    pi: dict[str, Any], said: str
) -> None:
    (refusal,) = refusals(wanted=True, **pi)
    assert refusal.startswith("appliance_read_only_root: garage ")
    assert said in refusal
    assert "Hint: " in refusal
    assert "set appliance_read_only_root to false" in refusal


@pytest.mark.parametrize("wanted", [True, False])
def test_a_root_that_another_program_has_locked_is_refused(wanted: bool) -> None:
    (refusal,) = refusals(wanted=wanted, root={"locked": True, "ours": False})
    assert "its root is locked, but not by this project" in refusal
    assert "Hint: on the Pi, sudo raspi-config nonint disable_overlayfs" in refusal
