"""Random answers neither crash the check nor count as good."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.checks import check
from pvs_bridge.health.text import report_data, report_text
from pvs_bridge.host.probe import Reply

Build = Callable[..., Any]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)
keys = st.sampled_from(
    [
        *("DEVICE_TYPE", "STATE", "SERIAL", "MODEL", "SWVER", "TYPE", "subtype", "dl_uptime"),
        *("p_3phsum_kw", "ltea_3phsum_kwh", "net_ltea_3phsum_kwh", "t_htsnk_degc"),
    ]
)
kinds = st.sampled_from(["PVS", "Power Meter", "Inverter", "Battery", "HUB+", "Kettle"])
devices = st.dictionaries(keys, values).flatmap(
    lambda device: kinds.map(lambda kind: {**device, "DEVICE_TYPE": kind})
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "result": st.sampled_from(["succeed", "failed", None, ["succeed"]]),
        "devices": st.lists(devices | values) | values,
    },
)
often = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def judge(make_probe: Build, config: HealthConfig, status: int, body: bytes) -> bool:
    answer = Reply(status, {"server": "x"}, body)
    report = check(config, make_probe(answers=[answer] * 3))
    json.dumps(report_data(report), allow_nan=False)
    text = report_text(report, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert all(char.isprintable() or char == "\n" for char in text)
    return report.healthy


@often
@given(body=st.binary(), status=st.sampled_from([200, 403, 500, 503, 204, 302]))
def test_bytes_are_never_healthy(
    make_probe: Build, config: HealthConfig, body: bytes, status: int
) -> None:
    assert not judge(make_probe, config, status, body)


@often
@given(answer=values)
def test_json_is_never_healthy_by_chance(
    make_probe: Build, config: HealthConfig, answer: object
) -> None:
    assert not judge(make_probe, config, 200, json.dumps(answer).encode())


@often
@given(answer=answers)
def test_only_succeed_with_a_list_of_devices_is_healthy(
    make_probe: Build, config: HealthConfig, answer: dict[str, Any]
) -> None:
    listed = answer.get("devices")
    good = answer.get("result") == "succeed" and isinstance(listed, list)
    # A list without panels is a good answer, but not a healthy one.
    assert not judge(make_probe, config, 200, json.dumps(answer).encode())
    if isinstance(listed, list):
        panel = {"DEVICE_TYPE": "Inverter", "SERIAL": "E001210000001"}
        more = {**answer, "devices": [*listed, panel]}
        assert judge(make_probe, config, 200, json.dumps(more).encode()) == good


@often
@given(cut=st.integers(0, 400), status=st.integers(100, 599))
def test_a_cut_answer_is_never_healthy(
    make_probe: Build, config: HealthConfig, body: Callable[..., bytes], cut: int, status: int
) -> None:
    assert not judge(make_probe, config, status, body()[:cut])


def test_nesting_without_end_is_never_healthy(make_probe: Build, config: HealthConfig) -> None:
    assert not judge(make_probe, config, 200, b"[" * 200_000)
    assert not judge(make_probe, config, 200, b'{"result":' + b"9" * 10_000 + b"}")
