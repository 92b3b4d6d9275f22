"""A simulator inside a test: side by side, and nothing left behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pvs_sim import OptionError, Options, Settings, Simulator
from pvs_sim.client import Answer, fetch
from pvs_sim.listener import ListenError

Boot = Callable[..., Simulator]
Ask = Callable[..., Answer]


def test_two_simulators_know_nothing_of_each_other(boot: Boot, ask: Ask) -> None:
    one, two = boot(seed=1, panels=2), boot(seed=2, panels=3, firmware=61846)
    assert {*one.ports.values(), None}.isdisjoint({*two.ports.values()} - {None})
    ask(one, "SetAP")
    assert ask(two, "DeviceList").status == 403
    assert (one.stats()["writes"]["count"], two.stats()["writes"]["count"]) == (1, 0)
    assert one.stats()["serial"] != two.stats()["serial"]
    assert (one.stats()["requests"], two.stats()["requests"]) == (1, 1)


def test_it_leaves_no_thread_and_no_open_port() -> None:
    before = set(threading.enumerate())
    with Simulator(Options(https_port=None)) as sim:
        port = sim.ports["http"] or 0
        kept = socket.create_connection(("127.0.0.1", port), timeout=5)
        # Connections are accepted in their order, so afterwards the simulator has the other one.
        fetch(sim.http_url + "/")
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) <= before
    assert kept.recv(10) == b""
    kept.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        before = set(threading.enumerate())
        options = Options(https_port=None, websocket_port=taken.getsockname()[1])
        with pytest.raises(ListenError, match="cannot listen"), Simulator(options):
            pass
        assert set(threading.enumerate()) <= before


def test_ports_can_be_switched_off() -> None:
    options = Options(https_port=None, websocket_port=None, control_port=None)
    with Simulator(options) as sim:
        assert [name for name, port in sim.ports.items() if port] == ["http"]


def test_it_cannot_be_called_before_it_runs() -> None:
    with pytest.raises(RuntimeError, match="with statement"):
        Simulator().stats()


def test_the_urls_name_the_actual_ports(boot: Boot) -> None:
    sim = boot(https_port=0)
    assert sim.http_url == f"http://127.0.0.1:{sim.ports['http']}"
    assert sim.https_url == f"https://127.0.0.1:{sim.ports['https']}"
    assert sim.websocket_url == f"ws://127.0.0.1:{sim.ports['websocket']}"
    assert sim.control_url == f"http://127.0.0.1:{sim.ports['control']}"


@pytest.mark.parametrize("panels", [1, 60])
def test_any_size_of_plant_is_served(boot: Boot, ask: Ask, panels: int) -> None:
    listed = ask(boot(panels=panels, battery=True), "DeviceList").json()["devices"]
    inverters = [d["SERIAL"] for d in listed if d["DEVICE_TYPE"] == "Inverter"]
    assert len(set(inverters)) == panels


def test_the_same_options_answer_byte_for_byte_the_same(boot: Boot, ask: Ask) -> None:
    def frozen(sim: Simulator) -> list[dict[str, Any]]:
        devices: list[dict[str, Any]] = ask(sim, "DeviceList").json()["devices"]
        devices[0].pop("dl_uptime")
        return devices

    assert frozen(boot(panels=3)) == frozen(boot(panels=3))


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: Options(panels=0), "panels"),
        (lambda: Options(http_port=-1), "http_port"),
        (lambda: Options(model="PVS2"), "model"),
        (lambda: Options(clock=0.0), "clock"),
        (lambda: Options(latitude=89.0), "latitude"),
        (lambda: Settings(session_seconds=0.0), "session_seconds"),
        (lambda: Settings(expired_status=404), "expired_status"),
        (lambda: Settings(latency_scale=float("inf")), "latency_scale"),
    ],
)
def test_impossible_options_are_refused_by_name(make: Callable[[], object], names: str) -> None:
    with pytest.raises(OptionError) as caught:
        make()
    assert caught.value.option == names
