"""The rules one by one: what exactly reaches the PVS, what comes back, and what is shared.

Each file of ``rules`` is a test of varnishtest, the program that Varnish is tested with: it plays
the PVS and its clients to the byte, with haproxy between them, a new one for each test. Tests
whose first line is ``# no cache`` have one together that shares no answers, which is quicker.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bridges.proxy.home import BRIDGE, PVS, Home
from bridges.proxy.standing import Standing

from proxy_rig.workbench import Workbench
from proxy_rig.world import World, end

Serve = Callable[..., Home]

RULES = Path(__file__).parent / "rules"
PORT = 8000
"""The PVS's own port is varnishtest's, on the bridge's side of the cable."""


@pytest.fixture(scope="module")
def workbench() -> Workbench:
    """The image with varnishtest."""
    return Workbench()


@pytest.fixture(scope="module")
def stage(world: World) -> Iterator[World]:
    """The bridge's side with the PVS's address, for varnishtest is on one side only."""
    address = f"{PVS}/32"
    world.bridge.ip("address", "add", address, "dev", "lo")
    yield world
    world.bridge.ip("address", "del", address, "dev", "lo")


@pytest.mark.parametrize("rule", sorted(RULES.glob("*.vtc")), ids=lambda rule: str(rule.stem))
def test_varnishtest_finds_the_rule_kept(
    serve: Serve,
    standing: Standing,
    stage: World,
    workbench: Workbench,
    rule: Path,
    tmp_path: Path,
) -> None:
    if rule.read_text().startswith("# no cache\n"):
        serve(proxy_http_port=PORT)
    else:
        standing.close()
        serve(proxy_http_port=PORT, proxy_cache_seconds=30)
    words = ["varnishtest", "-t", "15", f"-Dbridge={BRIDGE}:{PORT}", f"-Dpvs={PVS}:80"]
    command = workbench.command(RULES, "/rules", *words, f"/rules/{rule.name}")
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = stage.bridge.popen(command, output)
    try:
        status = process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        end(process)
        raise
    if status:
        standing.close()  # the next one is not to suffer from it
    assert status == 0, log.read_text()[-6000:]
