"""The home's programs get the PVS's answers, one request at a time."""

from __future__ import annotations

import json
from typing import Any

from pvs_lab.surroundings import Surroundings


def test_device_list_comes_through_the_bridge(lab: Surroundings, url: str) -> None:
    answer = json.loads(
        lab.output("client", f"curl --fail --silent '{url}/cgi-bin/dl_cgi?Command=DeviceList'")
    )
    assert answer["result"] == "succeed"
    kinds = [device["DEVICE_TYPE"] for device in answer["devices"]]
    assert kinds.count("PVS") == 1
    assert kinds.count("Inverter") == 24


def test_the_landing_page_of_the_console_comes_through_the_bridge(
    lab: Surroundings, url: str
) -> None:
    assert "<html" in lab.output("client", f"curl --fail --silent {url}/").lower()


def test_four_programs_at_once_make_one_request_at_a_time(lab: Surroundings, url: str) -> None:
    lab.simulator("/_sim/reset", {})
    request = f"curl --fail --silent '{url}/cgi-bin/dl_cgi?Command=DeviceList'"
    together = " & ".join([f"{request} | grep -o succeed"] * 4)
    assert lab.output("client", f"({together}; wait)").count("succeed") == 4
    assert lab.simulator("/_sim/stats")["most_in_flight"]["cgi"] == 1


def test_the_statistics_are_seen_by_whom_the_variables_say(
    lab: Surroundings, variables: dict[str, Any]
) -> None:
    port = variables["proxy_stats_port"]
    fetch = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}/').read())"
    assert "Statistics Report" in lab.output("bridge", f'python3 -c "{fetch}"')
    status, _ = lab.run("client", f"curl --fail --silent --max-time 5 http://bridge:{port}/")
    assert (status == 0) == variables["proxy_stats_network"]


def test_the_pvs_gets_nothing_from_the_proxy(lab: Surroundings, variables: dict[str, Any]) -> None:
    address = lab.output("bridge", "ip -4 -oneline address show dev eth0").split()[3].split("/")[0]
    for port in (variables["proxy_http_port"], variables["proxy_stats_port"]):
        status, printed = lab.run("pvs", f"curl --silent --max-time 5 http://{address}:{port}/")
        assert status != 0, printed


def test_haproxy_finds_no_fault_in_its_configuration(lab: Surroundings) -> None:
    status, printed = lab.run("bridge", "haproxy -c -f /etc/haproxy/haproxy.cfg")
    assert status == 0, printed
    assert "WARNING" not in printed
