"""Injected faults: each hits its target, as often as configured."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable

import pytest

from pvs_sim import Fault, FaultError, Options, Simulator
from pvs_sim.client import Answer, Control, exchange, fetch
from pvs_sim.faults import DESCRIPTIONS, KINDS, parse_fault

Boot = Callable[..., Simulator]
Ask = Callable[..., Answer]


def inject(sim: Simulator, *faults: dict[str, object]) -> None:
    Control(sim.control_url).post("faults", add=list(faults))


@pytest.mark.parametrize("kind", ["500", "503", "403"])
def test_a_status_is_answered_once_then_all_is_well(boot: Boot, ask: Ask, kind: str) -> None:
    sim = boot()
    inject(sim, {"kind": kind, "count": 1})
    assert [ask(sim, "Stop").status for _ in range(2)] == [int(kind), 200]
    assert sim.stats()["by_status"] == {kind: 1, "200": 1}


def test_the_503_is_http_1_0_html_and_closed(boot: Boot) -> None:
    sim = boot()
    inject(sim, {"kind": "503"})
    answer = exchange(sim.ports["http"] or 0, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer == (
        b"HTTP/1.0 503 Service Unavailable\r\nCache-Control: no-cache\r\nConnection: close\r\n"
        b"Content-Type: text/html\r\n\r\n<html><body><h1>503 Service Unavailable</h1>\n"
        b"No server is available to handle this request.\n</body></html>\n"
    )


def test_a_truncated_body_is_shorter_than_announced(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=2)
    whole = ask(sim, "DeviceList").body
    inject(sim, {"kind": "truncate", "fraction": 0.25})
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(sim, "DeviceList")
    assert len(caught.value.partial) == len(whole) // 4


def test_header_lines_can_stand_inside_the_body(boot: Boot, ask: Ask) -> None:
    sim = boot()
    inject(sim, {"kind": "headers_in_body"})
    answer = ask(sim, "Stop")
    lines, _, rest = answer.body.partition(b"\r\n\r\n")
    assert lines.startswith(b"Content-Type: application/json\r\n")
    assert json.loads(rest) == {"result": "succeed"}
    assert answer.header("Content-Length") == str(len(answer.body))
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_a_good_status_can_have_a_bad_answer(boot: Boot, ask: Ask) -> None:
    sim = boot()
    inject(sim, {"kind": "error_result", "count": 1})
    answer = ask(sim, "DeviceList")
    assert (answer.status, answer.json()["result"]) == (200, "error")
    inject(sim, {"kind": "html", "count": 1})
    answer = ask(sim, "DeviceList")
    assert answer.status == 200
    assert answer.body.lstrip().startswith(b"<")
    assert ask(sim, "DeviceList").json()["result"] == "succeed"


def test_an_answer_can_drip(boot: Boot, ask: Ask) -> None:
    sim = boot()
    quick = ask(sim, "Stop")
    inject(sim, {"kind": "slow", "bytes_per_second": 2000})
    begun = time.monotonic()
    assert ask(sim, "Stop").body == quick.body
    assert time.monotonic() - begun > 0.15


def test_silence_lasts_until_the_client_leaves(boot: Boot, ask: Ask) -> None:
    sim = boot()
    inject(sim, {"kind": "silence", "count": 1})
    with pytest.raises(TimeoutError):
        fetch(f"{sim.http_url}/cgi-bin/dl_cgi?Command=Stop", timeout=0.2)
    assert ask(sim, "Stop").status == 200
    assert sim.stats()["by_status"] == {"silent": 1, "200": 1}


def test_a_connection_can_be_reset(boot: Boot, ask: Ask) -> None:
    sim = boot(https_port=0)
    inject(sim, {"kind": "reset", "count": 2})
    for url in (sim.http_url, sim.https_url):
        with pytest.raises(ConnectionResetError):
            fetch(f"{url}/cgi-bin/dl_cgi?Command=Stop")
    assert ask(sim, "Stop").status == 200
    assert sim.stats()["by_status"] == {"reset": 2, "200": 1}


def test_an_answer_can_be_delayed(boot: Boot, ask: Ask) -> None:
    sim = boot()
    inject(sim, {"kind": "delay", "seconds": 0.2})
    begun = time.monotonic()
    assert ask(sim, "Stop").status == 200
    assert time.monotonic() - begun >= 0.2


def test_a_fault_meets_only_its_command(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1)
    inject(sim, {"kind": "500", "command": "DeviceList"})
    statuses = [ask(sim, name).status for name in ("Stop", "DeviceList", "Stop", "DeviceList")]
    assert statuses == [200, 500, 200, 500]


def test_a_fault_meets_only_its_path(boot: Boot, ask: Ask) -> None:
    sim = boot()
    inject(sim, {"kind": "500", "path": "/static/"})
    assert fetch(f"{sim.http_url}/static/app.css").status == 500
    assert fetch(f"{sim.http_url}/").status == ask(sim, "Stop").status == 200


def test_a_fault_meets_the_new_api_too(boot: Boot) -> None:
    sim = boot(firmware=61846)
    inject(sim, {"kind": "500", "command": "vars"})
    assert fetch(f"{sim.http_url}/vars?match=/sys/info/").status == 500


def test_a_fault_can_come_by_chance(boot: Boot, ask: Ask) -> None:
    sim = boot()
    inject(sim, {"kind": "500", "probability": 0.5})
    assert {ask(sim, "Stop").status for _ in range(20)} == {200, 500}


def test_faults_can_be_listed_and_cleared(boot: Boot, ask: Ask) -> None:
    sim = boot()
    control = Control(sim.control_url)
    inject(sim, {"kind": "500", "count": 3}, {"kind": "slow"})
    ask(sim, "Stop")
    common = {"command": None, "path": None, "probability": 1.0}
    assert control.get("faults")["faults"] == [
        {"kind": "500", "count": 2, **common},
        {"kind": "slow", "count": None, **common, "bytes_per_second": 100.0},
    ]
    assert [f["kind"] for f in control.post("faults", clear="500")["faults"]] == ["slow"]
    assert control.post("faults", clear=True, add={"kind": "403"})["faults"] == [
        {"kind": "403", "count": None, **common}
    ]


def test_a_write_that_meets_a_fault_is_counted_but_changes_nothing(boot: Boot, ask: Ask) -> None:
    sim = boot()
    inject(sim, {"kind": "500"})
    ask(sim, "SetAP")
    assert [write["applied"] for write in sim.stats()["writes"]["list"]] == [False]
    assert sim.call(lambda box: box.state.access_point) == "Meadowlark"


def test_faults_can_be_there_from_the_start() -> None:
    options = Options(faults=(Fault("500", count=1),), https_port=None)
    with Simulator(options) as sim:
        assert fetch(sim.http_url + "/").status == 500


def test_a_fault_can_be_written_on_the_command_line() -> None:
    fault = parse_fault("truncate:command=DeviceList,count=3,fraction=0.2")
    assert fault == Fault("truncate", count=3, command="DeviceList", fraction=0.2)
    assert parse_fault("silence") == Fault("silence")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("explode", "kind: 'explode'"),
        ("500:seconds=3", "seconds: is not a key of 500"),
        ("500:count=0", "count: 0"),
        ("500:count=x", "count: 'x'"),
        ("slow:bytes_per_second=0", "bytes_per_second: 0"),
        ("truncate:fraction=1.5", "fraction: 1.5"),
        ("500:probability=nan", "probability: nan"),
        ("500:twice", "twice: is not key=value"),
    ],
)
def test_an_impossible_fault_is_refused_by_name(text: str, names: str) -> None:
    with pytest.raises(FaultError, match=names):
        parse_fault(text)


def test_every_kind_of_fault_is_described() -> None:
    assert set(DESCRIPTIONS) == set(KINDS)
