"""Writes: each changes something, each is counted, whatever it is spelt like."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pvs_sim.client import Answer, Control, exchange, fetch
from pvs_sim.commands import COMMANDS

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]
Ask = Callable[..., Answer]

WRITES = {
    "SetCellPurchased",
    "StartDiscovery",
    "GridProfileSet",
    "SetMeterCt",
    "ExportLimitSet",
    "ChangeSerialNumber",
    "SetAP",
    "StartFWUpgrade",
}
CGI = "/cgi-bin/dl_cgi"


def test_the_installers_commands_are_the_ones_that_write() -> None:
    assert {name for name, command in COMMANDS.items() if command.writes} == WRITES


@pytest.mark.parametrize("command", sorted(WRITES - {"GridProfileSet"}))
def test_each_write_changes_the_state_and_is_counted(boot: Boot, ask: Ask, command: str) -> None:
    sim = boot(panels=1)
    control = Control(sim.control_url)
    before = control.get("plant")["state"]
    assert ask(sim, command).json()["result"] == "succeed"
    assert control.get("plant")["state"] != before
    (write,) = sim.stats()["writes"]["list"]
    assert write["what"] == command
    assert write["applied"] is True
    assert f"Command={command}" in write["line"]


def test_a_grid_profile_can_be_set_and_is_told_afterwards(boot: Boot, ask: Ask) -> None:
    sim = boot()
    other = ask(sim, "GridProfileList").json()["profiles"][-1]
    assert ask(sim, "GridProfileSet", id=other["id"]).json()["result"] == "succeed"
    answer = ask(sim, "GridProfileGet").json()
    assert (answer["active_id"], answer["active_name"]) == (other["id"], other["name"])
    assert ask(sim, "GridProfileSet", id="none").json()["result"] == "failed"


def test_a_current_transformer_can_be_set(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1)
    ask(sim, "SetMeterCt", meter="c", value="200")
    ask(sim, "SetMeterCt", meter="p", value="75")
    _, production, consumption, _ = ask(sim, "DeviceList").json()["devices"]
    assert (production["ct_scl_fctr"], consumption["ct_scl_fctr"]) == ("75", "200")


def test_an_export_limit_can_be_set(boot: Boot, ask: Ask) -> None:
    sim = boot()
    ask(sim, "ExportLimitSet", limit="4500")
    answer = ask(sim, "ExportLimitGet").json()
    assert (answer["enabled"], answer["limit_w"]) == (True, "4500")


def test_the_serial_number_can_be_changed_and_the_password_with_it(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1)
    ask(sim, "ChangeSerialNumber", NewSerialNumber="ZT999075000612B0001")
    assert ask(sim, "DeviceList").json()["devices"][0]["SERIAL"] == "ZT999075000612B0001"
    assert sim.call(lambda box: box.state.password) == "B0001"


def test_the_access_point_cell_and_upgrade_are_told_afterwards(boot: Boot, ask: Ask) -> None:
    sim = boot()
    ask(sim, "SetAP", ssid="Other%20Net")
    interfaces = ask(sim, "Get_Comm").json()["networkstatus"]["interfaces"]
    assert interfaces[2]["ssid"] == "Other Net"
    ask(sim, "SetCellPurchased", value="yes")
    assert ask(sim, "GetCellPurchased").json() == {"cell_purchased": "yes"}
    ask(sim, "StartFWUpgrade", url="http://host.invalid/fw.lua")
    assert ask(sim, "CheckFW").json() == {"url": "http://host.invalid/fw.lua"}


def test_discovery_goes_on_until_every_panel_is_found(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=7, discovery_seconds=3600.0)
    ask(sim, "StartDiscovery", SiteType="commercial")
    begun = ask(sim, "GetDiscoveryProgress").json()
    assert begun["complete"] is False
    assert begun["progress"][0]["PROGR"] == "0"
    Control(sim.control_url).post("settings", discovery_seconds=0.0)
    ended = ask(sim, "GetDiscoveryProgress").json()
    assert ended["complete"] is True
    assert ended["progress"] == [{"TYPE": "MicroInverters", "PROGR": "100", "NFOUND": "7"}]
    assert b"commercial" in fetch(f"{sim.http_url}/").body


@pytest.mark.parametrize(
    "target",
    [
        f"{CGI}?Command=SetAP",
        f"{CGI}?Command=DeviceList&Command=SetAP",
        f"{CGI}?Command=SetAP&Command=DeviceList",
        f"{CGI}?Command=DeviceList;Command=SetAP",
        f"{CGI}?Command=DeviceList?Command=SetAP",
        f"{CGI}?Command=%53et%41P",
        f"{CGI}?%43ommand=SetAP",
        f"{CGI}?command=SetAP",
        f"{CGI}?COMMAND=SetAP",
        f"{CGI}?Command=SetAP%00DeviceList",
        f"{CGI}?Command=+SetAP%20",
        f"{CGI}?Command=SetAP%0d%0a",
        f"{CGI}?x=1&&;Command=SetAP",
        f"{CGI}?Command=SetAP#Command=DeviceList",
        f"{CGI}/?Command=SetAP",
        f"{CGI}/supervisor/info?Command=SetAP",
        f"{CGI}/anything?Command=SetAP",
        "//cgi-bin//dl_cgi?Command=SetAP",
        "/./cgi-bin/x/../dl_cgi?Command=SetAP",
        "/../cgi-bin/dl_cgi?Command=SetAP",
        "/cgi-bin/dl%5fcgi?Command=SetAP",
        "/%63gi-bin%2Fdl_cgi?Command=SetAP",
        f"http://elsewhere.invalid{CGI}?Command=SetAP",
        f"HTTPS://u:p@elsewhere.invalid:1{CGI}?Command=SetAP",
    ],
)
def test_no_spelling_hides_a_write(boot: Boot, target: str) -> None:
    sim = boot()
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert b" 200 OK\r\n" in exchange(sim.ports["http"] or 0, request.encode())
    stats = sim.stats()
    assert [write["what"] for write in stats["writes"]["list"]] == ["SetAP"]
    assert stats["writes"]["list"][0]["applied"] is True
    assert sim.call(lambda box: box.state.access_point) == "Unnamed"


@pytest.mark.parametrize(
    "target",
    [
        f"{CGI}?Command=setap",
        f"{CGI}?Command=SetAPs",
        f"{CGI}?Command=%2553etAP",
        f"{CGI}?x=Command=SetAP",
        f"{CGI}?Commands=SetAP",
        "/cgi-bin/dl_cgi.?Command=SetAP",
        "/cgi-bin/dl_cgi2?Command=SetAP",
        "/?Command=SetAP",
    ],
)
def test_what_is_not_a_write_is_not_counted_as_one(boot: Boot, target: str) -> None:
    sim = boot()
    fetch(sim.http_url + target)
    assert sim.stats()["writes"]["count"] == 0
    assert sim.call(lambda box: box.state.access_point) == "Meadowlark"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_program(boot: Boot, method: str) -> None:
    sim = boot()
    answer = fetch(f"{sim.http_url}{CGI}?Command=SetAP", method=method)
    assert answer.status == 200
    assert sim.stats()["writes"]["count"] == 1
    assert (answer.body == b"") == (method == "HEAD")


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/json"]
)
def test_a_write_in_a_body_is_a_write(boot: Boot, kind: str) -> None:
    sim = boot()
    fetch(
        f"{sim.http_url}{CGI}?Command=DeviceList",
        method="POST",
        headers={"Content-Type": kind},
        body=b"Command=SetAP&ssid=Body",
    )
    assert sim.stats()["writes"]["count"] == 1
    assert sim.call(lambda box: box.state.access_point) == "Body"


def test_two_writes_in_one_request_are_two_writes(boot: Boot) -> None:
    sim = boot()
    fetch(f"{sim.http_url}{CGI}?Command=SetAP&Command=SetCellPurchased")
    assert [w["what"] for w in sim.stats()["writes"]["list"]] == ["SetAP", "SetCellPurchased"]


@pytest.mark.parametrize("chunked_says_more", [True, False])
def test_a_smuggled_request_is_served_and_counted(boot: Boot, *, chunked_says_more: bool) -> None:
    sim = boot()
    inner = f"GET {CGI}?Command=SetAP HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    head = f"POST {CGI}?Command=Stop HTTP/1.1\r\nHost: x\r\n"
    if chunked_says_more:
        head += "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    else:
        head += "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answers = exchange(sim.ports["http"] or 0, head.encode() + inner)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert sim.stats()["writes"]["count"] == 1


def test_a_posted_device_list_is_a_write_and_keeps_the_pvs_busy(boot: Boot, ask: Ask) -> None:
    sim = boot(processing_seconds=600.0)
    url = f"{sim.http_url}{CGI}/devices/list"
    assert fetch(url, method="POST", body=b"[]").status == 200
    assert sim.stats()["writes"]["list"][0]["what"] == "POST devices/list"
    assert ask(sim, "DeviceList").status == 503
    assert fetch(f"{sim.http_url}{CGI}/supervisor/info").status == 200
    Control(sim.control_url).post("reset", state=True)
    assert ask(sim, "DeviceList").status == 200


def test_a_write_at_a_locked_pvs_is_counted_but_changes_nothing(boot: Boot, ask: Ask) -> None:
    sim = boot(firmware=61846)
    assert ask(sim, "SetAP").status == 403
    (write,) = sim.stats()["writes"]["list"]
    assert write["applied"] is False
    assert sim.call(lambda box: box.state.access_point) == "Meadowlark"


def test_resetting_the_state_undoes_all_writes(boot: Boot, ask: Ask) -> None:
    sim = boot()
    control = Control(sim.control_url)
    fresh: dict[str, Any] = control.get("plant")["state"]
    for command in WRITES:
        ask(sim, command)
    assert control.get("plant")["state"] != fresh
    control.post("reset", state=True)
    assert control.get("plant")["state"] == fresh
    assert sim.stats()["writes"]["count"] == 0
