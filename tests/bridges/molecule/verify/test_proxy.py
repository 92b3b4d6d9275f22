"""The home's programs get the PVS's answers, one request at a time."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from pvs_lab.lab_client import LabClient

_OWN_LOOK = "supervisor/info"


def test_device_list_comes_through_the_bridge(lab: LabClient, url: str) -> None:
    answer = json.loads(
        lab.output("client", f"curl --fail --silent '{url}/cgi-bin/dl_cgi?Command=DeviceList'")
    )
    assert answer["result"] == "succeed"
    kinds = [device["DEVICE_TYPE"] for device in answer["devices"]]
    assert kinds.count("PVS") == 1
    assert kinds.count("Inverter") == 24


def test_the_landing_page_of_the_console_comes_through_the_bridge(lab: LabClient, url: str) -> None:
    assert "<html" in lab.output("client", f"curl --fail --silent {url}/").lower()


def asked(stats: dict[str, Any]) -> dict[str, int]:
    """What the PVS was asked, without the bridge's own look at its firmware after a restart."""
    return {name: times for name, times in stats["by_command"].items() if name != _OWN_LOOK}


def test_four_programs_at_once_make_one_request_at_a_time(lab: LabClient, url: str) -> None:
    lab.simulator("/_sim/reset", {})
    request = f"curl --fail --silent '{url}/cgi-bin/dl_cgi?Command=Start'"  # never shared
    together = " & ".join([f"{request} | grep -o succeed"] * 4)
    assert lab.output("client", f"({together}; wait)").count("succeed") == 4
    stats = lab.simulator("/_sim/stats")
    assert asked(stats) == {"Start": 4}
    assert stats["most_in_flight"]["total"] == 1


def test_four_programs_at_once_share_an_answer(lab: LabClient, url: str) -> None:
    lab.simulator("/_sim/reset", {})
    request = f"curl --fail --silent '{url}/cgi-bin/dl_cgi?Command=GridProfileList'"
    together = " & ".join([f"{request} | grep -o succeed"] * 4)
    assert lab.output("client", f"({together}; wait)").count("succeed") == 4
    assert asked(lab.simulator("/_sim/stats")) == {"GridProfileList": 1}


def test_what_changes_the_plant_is_refused_with_the_hint(lab: LabClient, url: str) -> None:
    lab.simulator("/_sim/reset", {})
    command = f"curl --silent --include '{url}/cgi-bin/dl_cgi?Command=SetCellPurchased'"
    printed = lab.output("client", command)
    assert printed.startswith("HTTP/1.1 403 ")
    assert "proxy_allow_commands" in printed
    assert lab.simulator("/_sim/stats")["writes"]["count"] == 0


def test_a_command_that_was_opened_reaches_the_pvs(
    lab: LabClient, url: str, variables: dict[str, Any]
) -> None:
    lab.simulator("/_sim/reset", {})
    status, _ = lab.run("client", f"curl -fs '{url}/cgi-bin/dl_cgi?Command=StartDiscovery'")
    assert (status == 0) == bool(variables["proxy_allow_commands"])
    assert lab.simulator("/_sim/stats")["writes"]["count"] == len(variables["proxy_allow_commands"])
    lab.simulator("/_sim/reset", {"state": True})


def test_a_page_elsewhere_cannot_read_the_plant_through_a_browser(lab: LabClient, url: str) -> None:
    for header in ("Host: evil.example", "Origin: http://evil.example"):
        status = f"curl -s -o /dev/null --write-out '%{{http_code}}' -H '{header}' {url}/"
        assert lab.output("client", status) in {"403", "421"}


def test_a_client_without_a_password_is_asked_for_it(
    lab: LabClient, variables: dict[str, Any]
) -> None:
    address = f"http://bridge:{variables['proxy_http_port']}/"
    status, _ = lab.run("client", f"curl --fail --silent {address}")
    assert (status != 0) == bool(variables["proxy_users"])


@pytest.mark.parametrize("verb", ["reload", "restart"])
def test_the_pvs_may_finish_before_haproxy_is_replaced(lab: LabClient, url: str, verb: str) -> None:
    # It has no earlier answer to share, should it be asked once more before it is replaced.
    lab.output("bridge", "systemctl restart haproxy")
    lab.simulator("/_sim/reset", {})
    lab.simulator("/_sim/settings", {"latency_seconds": 2.0})
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        answers.append(lab.run("client", f"curl -fs '{url}/cgi-bin/dl_cgi/devices/list'"))

    asking = threading.Thread(target=ask)
    asking.start()
    assert lab.until(lambda: lab.simulator("/_sim/stats")["in_flight"]["total"] == 1, 10)
    lab.output("bridge", f"systemctl {verb} haproxy")
    # In the moment in which both processes listen, the old one may answer 503.
    again = f"curl --fail --silent '{url}/cgi-bin/dl_cgi?Command=DeviceList'"
    assert lab.until(lambda: lab.run("client", again)[0] == 0, 5)
    asking.join()
    stats = lab.simulator("/_sim/stats")
    lab.simulator("/_sim/reset", {"state": True})
    assert "succeed" in answers[0][1]
    assert stats["most_in_flight"]["total"] == 1
    assert asked(stats) == {"devices/list": 1, "DeviceList": 1}


def test_a_configuration_that_haproxy_refuses_does_not_stop_it(lab: LabClient, url: str) -> None:
    path = "/etc/haproxy/haproxy.cfg"
    lab.output("bridge", f"cp -p {path} /run/kept.cfg && echo nonsense >> {path}")
    status, _ = lab.run("bridge", "systemctl reload haproxy")
    lab.output("bridge", f"cp -p /run/kept.cfg {path}")
    assert status != 0
    lab.output("client", f"curl --fail --silent '{url}/cgi-bin/dl_cgi?Command=DeviceList'")


def test_haproxy_comes_back_by_itself(lab: LabClient, url: str) -> None:
    lab.output("bridge", "systemctl kill --signal=KILL haproxy")
    answers = f"curl --fail --silent --output /dev/null {url}/"
    assert lab.until(lambda: lab.run("client", answers)[0] == 0, 20)


def test_haproxy_does_not_wait_for_a_network_and_may_do_little(lab: LabClient) -> None:
    printed = lab.output("bridge", "systemctl show haproxy -p After -p Wants -p Requires")
    assert "network" not in printed
    security = lab.output("bridge", "systemd-analyze security haproxy --no-pager")
    exposure = float(security.rpartition("haproxy.service:")[2].split()[0])
    assert exposure <= 2.0, security


def test_the_statistics_are_shown_as_the_variables_say(
    lab: LabClient, variables: dict[str, Any], login: str
) -> None:
    port = variables["proxy_stats_port"]
    fetch = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}/').read())"
    assert "Statistics Report" in lab.output("bridge", f'python3 -c "{fetch}"')
    figures = fetch.replace(f"{port}/", f"{port}/metrics")
    assert "haproxy_process_" in lab.output("bridge", f'python3 -c "{figures}"')
    page = f"bridge:{port}/"
    status, _ = lab.run("client", f"curl --fail --silent --max-time 5 http://{page}")
    assert status != 0
    status, _ = lab.run("client", f"curl --fail --silent --max-time 5 http://{login}{page}")
    assert (status == 0) == variables["proxy_stats_network"]


def test_the_pvs_gets_nothing_from_the_proxy(lab: LabClient, variables: dict[str, Any]) -> None:
    address = lab.output("bridge", "ip -4 -oneline address show dev eth0").split()[3].split("/")[0]
    for port in (variables["proxy_http_port"], variables["proxy_stats_port"]):
        status, printed = lab.run("pvs", f"curl --silent --max-time 5 http://{address}:{port}/")
        assert status != 0, printed


def test_haproxy_finds_no_fault_in_its_configuration(lab: LabClient) -> None:
    status, printed = lab.run("bridge", "haproxy -c -f /etc/haproxy/haproxy.cfg")
    assert status == 0, printed
    assert "WARNING" not in printed
