"""The status page for browsers, without requests to the PVS."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bridges.proxy.home import DEVICE_LIST, Home, is_refusal
from unit.status.test_metrics import expressions

from proxy_rig.haproxy import PAGE
from proxy_rig.rendering import PROJECT
from proxy_rig.world import end
from pvs_lab.process import wait_until
from pvs_sim.faults import Fault

PROGRAM = PROJECT / "roles/agent/files/pvs_bridge/__main__.py"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
OWN = ("/bridge", "/bridge/", "/bridge/status.json", "/bridge/metrics", "/bridge/haproxy-metrics",
       "/bridge/history.json", "/bridge/history.csv")  # fmt: skip

Serve = Callable[..., Home]


@pytest.fixture
def told(serve: Serve, tmp_path: Path) -> Iterator[Home]:
    """A bridge with the role's real program beside its haproxy."""
    home = serve()
    with telling(home, tmp_path):
        yield home


@contextlib.contextmanager
def telling(home: Home, folder: Path) -> Iterator[None]:
    """Run the program until the end of the block."""
    assert home.haproxy is not None
    run = Path(f"/proc/{home.haproxy.pid}/root/run/pvs-bridge-status")
    run.mkdir(exist_ok=True)
    state = folder / "state.json"
    state.write_text(json.dumps({"version": "0.1.0", "checked": 1.0, "time": time.time()}))
    program = [sys.executable, "-I", str(PROGRAM), "status"]
    words = [*program, f"--state={state}", f"--socket={run}/http.sock"]
    process: subprocess.Popen[bytes] = home.world.bridge.popen(words, None)
    try:
        assert wait_until(lambda: (run / "http.sock").exists(), 10)
        assert wait_until(lambda: home.ask("/bridge/metrics").status == 200, 10)
        yield
    finally:
        end(process)


def fail_next(home: Home, kind: str) -> None:
    """Let the PVS's next answer be a bad one."""
    home.pvs.call(lambda box: box.faults.add([Fault(kind, count=1)]))


def test_the_page_is_the_file_and_may_load_nothing_from_elsewhere(told: Home) -> None:
    answer = told.ask("/bridge/")
    assert (answer.status, answer.body) == (200, PAGE.read_bytes())
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert answer.header("Cache-Control") == "no-store"
    policy = answer.header("Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy


def test_it_leads_to_json_and_to_figures_of_both(told: Home) -> None:
    assert told.ask("/bridge").header("Location") == "/bridge/"
    answer = told.ask("/bridge/status.json")
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.json()["versions"]["pvs_bridge"] == "0.1.0"
    assert b"\npvs_bridge_healthy 0\n" in told.ask("/bridge/metrics").body
    assert b"\nhaproxy_process_" in told.ask("/bridge/haproxy-metrics").body


def test_haproxy_of_each_release_has_what_the_dashboard_asks_it_for(told: Home) -> None:
    text = told.ask("/bridge/haproxy-metrics").body.decode()
    asked = {name for each in expressions() for name in re.findall(r"\bhaproxy_\w+", each)}
    assert asked
    assert [name for name in asked if f"\n{name}{{" not in text] == []


def test_nothing_of_it_reaches_the_pvs(told: Home) -> None:
    for target in OWN:
        for method in ("GET", "HEAD"):
            assert told.ask(target, method=method, headers=BROWSER).status in (200, 301)
    assert told.stats()["requests"] == 0


def test_it_takes_nothing(told: Home) -> None:
    for target in OWN:
        for method in ("POST", "PUT", "DELETE"):
            answer = told.ask(target, method=method, body=b"x=1")
            assert (answer.status, is_refusal(answer)) == (403, True), target
    assert told.stats()["requests"] == 0


def test_an_unknown_page_is_an_error_with_the_list_of_pages(told: Home) -> None:
    for headers in ({}, BROWSER):
        answer = told.ask("/bridge/other", headers=headers)
        assert (answer.status, is_refusal(answer)) == (404, True)
        hint = json.loads(answer.body)["hint"]
        assert [each for each in OWN[1:] if each not in hint] == []
    answer = told.ask("/bridge/history.json?of=2020-01-01")
    assert (answer.status, is_refusal(answer)) == (404, True)


def test_foreign_names_and_sites_are_refused(told: Home) -> None:
    for target in OWN:
        assert told.ask(target, headers={"Host": "evil.example"}).status == 421
        assert told.ask(target, headers={"Origin": "http://evil.example"}).status == 403


def test_a_program_that_is_not_there_is_named_and_the_page_is_still_there(serve: Serve) -> None:
    home = serve()
    answer = home.ask("/bridge/status.json")
    assert (answer.status, is_refusal(answer)) == (503, True)
    assert "pvs-bridge-status" in answer.json()["hint"]
    assert home.ask("/bridge/").status == 200


def test_while_the_pvs_is_away_a_person_gets_the_page_and_a_program_what_it_got(
    told: Home,
) -> None:
    fail_next(told, "503")
    statuses = [told.ask("/", headers=BROWSER), told.ask("/", headers=BROWSER)]
    asked = told.stats()["requests"]
    program = told.ask()
    for answer in statuses:
        assert (answer.status, answer.body) == (503, PAGE.read_bytes())
        assert answer.header("Retry-After") == "15"
        assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert (program.status, is_refusal(program)) == (503, True)
    assert told.stats()["requests"] == asked
    assert wait_until(lambda: told.ask("/", headers=BROWSER).status == 200, 20)


def test_what_the_pvs_itself_says_a_person_sees_too(told: Home) -> None:
    answer = told.ask(DEVICE_LIST, headers=BROWSER)
    assert answer.json()["result"] == "succeed"
    assert told.ask("/cgi-bin/dl_cgi?Command=SetAP", headers=BROWSER).status == 403


def test_a_password_is_asked_for_here_too(serve: Serve) -> None:
    hashed = "$5$abcdefgh$E6wFWSbzRRGkjAnCTq/RMAkFs5rkVhdjAUcYBFuYqE6"
    home = serve(proxy_users={"anna": hashed})
    assert {home.ask(target).status for target in OWN} == {401}


def test_without_it_a_person_gets_what_a_program_gets(serve: Serve) -> None:
    home = serve(status_enabled=False)
    assert home.haproxy is not None
    text = home.haproxy.configuration.read_text()
    assert home.ask("/bridge/", headers=BROWSER).header("Via") == "1.1 pvs-bridge"
    fail_next(home, "503")
    assert is_refusal(home.ask("/", headers=BROWSER))
    assert [word for word in ("status.html", "backend status", "person") if word in text] == []
