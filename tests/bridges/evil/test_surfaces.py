"""What a hostile PVS makes of the bridge's own voices: health, monitor, status, metrics, doctor."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bridges.evil.conftest import PIS, EvilHouse
from bridges.status.browser import Browser, browser
from bridges.status.stage import stage
from unit.status.test_metrics import parsed

from proxy_rig.workbench import Workbench
from pvs_lab.process import wait_until
from pvs_sim.evil import KINDS

OPEN, LOCKED = 61707, 61846
# These change what the PVS claims, in a form that a PVS may use.
CLAIMS = ("body-wrong-types", "body-huge-numbers", "body-duplicate-keys", "body-12000-panels")
TEXTS = tuple(kind for kind in KINDS if kind.startswith("text-"))
_DRAWN = "return document.querySelector('#main > *, h1.bad') !== null"

# The network backend makes no difference here.
on_one_pi = pytest.mark.parametrize("house", PIS[:1], indirect=True)


@pytest.fixture(params=[OPEN, LOCKED])
def evil(request: pytest.FixtureRequest, house: EvilHouse) -> Iterator[EvilHouse]:
    """A bridge whose PVS has a firmware; the PVS is good again afterwards."""
    if house.simulator("/_sim/stats?log=0")["firmware"] != request.param:
        house.simulator("/_sim/firmware", {"build": request.param})
    yield house
    house.become(None)


def panel_watts(document: dict[str, Any]) -> set[int | None]:
    """Return the power of each panel."""
    return {each["watts"] for each in (document["plant"] or {"panels": []})["panels"]}


@on_one_pi
@pytest.mark.parametrize("kind", KINDS)
def test_no_part_of_the_bridge_crashes_or_shows_a_wrong_number(evil: EvilHouse, kind: str) -> None:
    since = evil.now()
    evil.become(kind)
    health = evil.health()
    assert {each["link"] for each in health["links"]} >= {"cable", "lease", "pvs", "answer"}
    evil.become(kind)
    evil.check()
    document = json.loads(evil.page("status.json"))
    assert document["links"]
    assert parsed(evil.page("metrics"))["pvs_bridge_healthy"]
    if kind not in CLAIMS:
        assert panel_watts(document) <= {None, 0, *range(200, 420)}
    journal = evil.journal(since)
    assert "Traceback" not in journal
    assert not re.search(r"Failed with result|oom-kill|code=(dumped|killed)", journal), journal


@on_one_pi
@pytest.mark.parametrize("kind", ["text-markup", "text-control", "body-endless", "version-ssh"])
def test_the_doctor_reports_a_hostile_pvs(evil: EvilHouse, kind: str) -> None:
    evil.become(kind)
    done = evil.examine()
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout), repr(done.stdout)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser."""
    with browser("UTC") as made:
        yield made


@on_one_pi
@pytest.mark.parametrize("kind", TEXTS)
def test_texts_stay_texts_on_the_page_and_in_the_metrics(
    evil: EvilHouse, chromium: Browser, tmp_path: Path, kind: str
) -> None:
    evil.become(kind)
    evil.check()
    metrics = evil.page("metrics")
    check = Workbench().command(tmp_path, "/mnt", "promtool", "check", "metrics")
    done = subprocess.run(check, input=metrics, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with stage() as shown:
        shown.fixed = evil.page("status.json").encode()
        chromium.open(shown.url)
        assert wait_until(lambda: bool(chromium.run(_DRAWN)), 20)
        assert chromium.run("return document.querySelector('[id=evil]')") is None
        assert "evil" not in str(chromium.run("return document.title"))
        assert chromium.run("return getComputedStyle(document.body).display") != "none"


@on_one_pi
def test_a_good_pvs_is_healthy_again(evil: EvilHouse) -> None:
    evil.become("body-html")
    evil.run("bridge", "pvs-bridge health")
    evil.become(None)
    assert evil.until(lambda: evil.run("bridge", "pvs-bridge health")[0] == 0, 120)
    evil.check()
    assert json.loads(evil.page("status.json"))["healthy"]
