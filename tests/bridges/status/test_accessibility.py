"""axe-core finds nothing in any state of the page, light and dark."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bridges.status.conftest import Show
from unit.status.scenes import SCENES

from pvs_lab.process import wait_until

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pvs-bridge"
_VERSION = "4.11.0"
_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(found => done(found.violations.map(
  each => [each.id, each.nodes.map(node => node.html.slice(0, 200))])))"""
_PRESS = """
const bars = document.querySelectorAll(".bar");
if (bars.length) bars[bars.length - 3].click();
return bars.length"""


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core, which ``make test`` has fetched from npm."""
    file = _CACHE / f"axe-core-{_VERSION}/axe.min.js"
    if not file.exists():
        pytest.fail(f"{file} is missing; run: ansible/tooling/setup.sh test")
    return file.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scene", SCENES)
def test_axe_finds_nothing(show: Show, axe: str, scene: str, scheme: str) -> None:
    browser = show(scene, "phone", scheme)
    if browser.run(_PRESS):
        opened = "return document.querySelector('.bars ~ h2') !== null"
        assert wait_until(lambda: bool(browser.run(opened)), 10)
    browser.run(f"{axe}; window.axe = axe;")
    assert browser.wait_for(_RUN) == []


def test_axe_finds_what_is_wrong(show: Show, axe: str) -> None:
    browser = show("night")
    browser.run("document.documentElement.removeAttribute('lang')")
    browser.run(f"{axe}; window.axe = axe;")
    assert [each for each, _ in browser.wait_for(_RUN)] == ["html-has-lang"]
