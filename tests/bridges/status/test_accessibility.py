"""axe-core finds nothing in any state of the page, light and dark."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import urllib.request
from pathlib import Path

import pytest
from bridges.status.conftest import Show
from unit.status.scenes import SCENES

from pvs_bridge import atomic
from pvs_lab.process import wait_until

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pvs-bridge"
_VERSION = "4.11.0"
_PACKAGE = f"https://registry.npmjs.org/axe-core/-/axe-core-{_VERSION}.tgz"
_SHA256 = "39bed7d72308f6d620789c169d699bfd7e8da80f65b545821a6b2215c3e83107"
_RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(found => done(found.violations.map(
  each => [each.id, each.nodes.map(node => node.html.slice(0, 200))])))"""
_PRESS = """
const bars = document.querySelectorAll(".bar");
if (bars.length) bars[bars.length - 3].click();
return bars.length"""


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core, from the cache or from npm."""
    file = _CACHE / f"axe-core-{_VERSION}.tgz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(_PACKAGE, timeout=60) as answer:
            atomic.write(file, answer.read())
    package = file.read_bytes()
    assert hashlib.sha256(package).hexdigest() == _SHA256, f"{file} is damaged; remove it"
    with tarfile.open(fileobj=io.BytesIO(package)) as members:
        script = members.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


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
