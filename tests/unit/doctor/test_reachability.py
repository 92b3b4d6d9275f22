"""Checks of the connection, and the search for an unreachable Pi."""

from __future__ import annotations

import dataclasses
import http.server
import threading
from collections.abc import Callable, Iterator

import pytest

from bridgectl.doctor import reachability
from bridgectl.doctor.examine import examined
from bridgectl.doctor.results import BROKEN, OK, UNKNOWN
from bridgectl.doctor.session import UnreachableError
from bridgectl.doctor.ssh_config import Settings
from bridgectl.doctor.target import Target

Made = Callable[..., Settings]


@pytest.mark.needs_system
def test_an_unknown_name_is_the_only_broken_result(target: Target) -> None:
    lost = dataclasses.replace(target, address="garage.invalid", other_names=("localhost",))
    with examined(lost, lambda _: None) as examination:
        assert [each.title for each in examination.broken] == ["Name"]
        assert examination.session is None
        assert not examination.healthy
        others = [each.seen for each in examination.results if each.title == "Other name"]
    assert others[0].startswith("localhost is 127.0.0.1: ")


SAID = {
    "Connection refused": "does not accept SSH",
    "Connection timed out": "cannot be reached",
    "No route to host": "cannot be reached",
    "Permission denied (publickey).": "refuses the login",
    "REMOTE HOST IDENTIFICATION HAS CHANGED to SHA256:x": "is not the one in known_hosts",
    "Host key verification failed.": "is not in known_hosts yet",
}


@pytest.mark.parametrize("said", SAID)
def test_a_failed_login_is_explained(target: Target, settings: Made, said: str) -> None:
    found = reachability.refused(target, settings("192.168.1.34"), UnreachableError(said))
    assert (found.state, found.seen) == (BROKEN, said)
    assert found.issue is not None
    assert SAID[said] in found.issue.problem
    assert found.issue.hint


@pytest.mark.parametrize(
    "text",
    [
        "192.168.1.34 dev wlan0 lladdr b8:27:eb:01:02:03 REACHABLE\n"
        "192.168.1.9 dev wlan0  FAILED\n",
        "? (192.168.1.34) at b8:27:eb:1:2:3 on en0 ifscope [ethernet]\n"
        "? (192.168.1.9) at (incomplete) on en0\n",
    ],
)
def test_neighbours_are_read_on_linux_and_macos(text: str) -> None:
    assert reachability.parse_neighbours(text) == {"192.168.1.34": "b8:27:eb:01:02:03"}


def test_an_address_needs_no_name_resolution(settings: Made) -> None:
    assert reachability.name(settings("192.168.1.34")).state == OK
    assert reachability.name(settings("localhost")).seen.startswith("localhost is 127.0.0.1")
    behind = settings("garage.invalid", proxy="exec nc garage.invalid 22")
    assert reachability.name(behind).state == OK
    assert reachability.ping(behind).state == UNKNOWN


@pytest.fixture
def bridge() -> Iterator[Callable[[int, bytes], int]]:
    """Return a function that starts a bridge with a fixed answer, and returns its port."""
    said: list[tuple[int, bytes]] = []

    class Bridge(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = said[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Do not log."""

    with http.server.HTTPServer(("127.0.0.1", 0), Bridge) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def answers(status: int, body: bytes) -> int:
            said[:] = [(status, body)]
            return server.server_port

        yield answers
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, b'{"result": "succeed"}', OK),
        (401, b'{"hint": "one of proxy_users"}', OK),
        (403, b"{}", BROKEN),
        (421, b"{}", BROKEN),
    ],
)
def test_the_answer_to_a_home_client_is_checked(
    target: Target,
    settings: Made,
    bridge: Callable[[int, bytes], int],
    status: int,
    body: bytes,
    state: str,
) -> None:
    served = dataclasses.replace(target, proxy_port=bridge(status, body))
    assert reachability.from_home(served, settings("127.0.0.1"), "/", 5).state == state


def test_a_bridge_that_home_clients_do_not_reach_is_broken(target: Target, settings: Made) -> None:
    closed = dataclasses.replace(target, proxy_port=1)
    found = reachability.from_home(closed, settings("127.0.0.1"), "/", 5)
    assert (found.state, found.seen) == (BROKEN, "no answer: Connection refused")
    routed = dataclasses.replace(target, proxy_serves_home=False)
    assert reachability.from_home(routed, settings("127.0.0.1"), "/", 5).state == UNKNOWN
