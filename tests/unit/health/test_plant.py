"""The plant in a device list, and its tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pvs_bridge.health.text import plant_text
from pvs_bridge.pvs.devices import (
    AnswerError,
    Plant,
    number,
    plant_data,
    read_devices,
    read_plant,
)
from pvs_bridge.text import as_ascii, clean, duration

Devices = Callable[..., list[Any]]
Body = Callable[..., bytes]


def read(devices: list[Any]) -> Plant:
    return read_plant(devices)


def test_by_day_every_panel_has_its_power(devices: Devices) -> None:
    text = plant_text(read(devices()))
    assert text == (
        "Supervisor  PVS6\n"
        "Firmware    2024.6, Build 61707\n"
        "Up for      1 d 3 h\n"
        "\n"
        "Meter            kW      kWh\n"
        "───────────  ──────  ───────\n"
        "production    0.600  20123.5\n"
        "consumption  -1.250  31000.5\n"
        "\n"
        "Panel            State      W     kWh  °C\n"
        "───────────────  ───────  ───  ──────  ──\n"
        "E00121000000001  working  100  1234.5  41\n"
        "E00121000000002  working  200  1234.5  41\n"
        "E00121000000003  working  300  1234.5  41\n"
        "\n"
        "Total: 3 panels, 0.60 kW"
    )


def test_at_night_panels_are_asleep_and_that_is_normal(devices: Devices) -> None:
    plant = read(devices(24, night=True))
    assert {panel.state for panel in plant.panels} == {"asleep"}
    text = plant_text(plant)
    assert text.endswith("Total: 24 panels asleep\nNormal at night and for panels without power.")
    assert "error" not in text


def test_panels_without_power_beside_working_ones_are_silent(devices: Devices) -> None:
    plant = read(devices(3) + devices(1, night=True)[3:])
    assert [panel.state for panel in plant.panels] == ["working"] * 3 + ["silent"]
    text = plant_text(plant)
    assert "Total: 4 panels, 0.60 kW from 3 working\n1 panel without readings" in text


def test_the_last_reading_of_a_sleeping_panel_does_not_count(devices: Devices) -> None:
    listed = devices(1)
    listed[-1] |= {"STATE": "error", "p_3phsum_kw": "0.3"}
    assert read(listed).kw == 0


def test_batteries_and_unknown_devices_are_shown(devices: Devices) -> None:
    plant = read(devices(battery=True))
    assert [device.kind for device in plant.storage] == ["Battery", "Energy Storage System"]
    assert [device.kind for device in plant.others] == ["Toaster"]
    text = plant_text(plant)
    assert "Battery                Serial  State\n" in text
    assert "Toaster       SN2     working" in text


def test_a_plant_without_battery_shows_none(devices: Devices) -> None:
    assert "Battery" not in plant_text(read(devices()))


def test_missing_keys_are_dashes() -> None:
    kinds = ("PVS", "Power Meter", "Battery")
    panel = {"DEVICE_TYPE": "Inverter", "SERIAL": "E1"}
    plant = read([*({"DEVICE_TYPE": kind} for kind in kinds), panel])
    text = plant_text(plant)
    assert "Firmware    unknown" in text
    assert "other   -    -" in text
    assert "E1     asleep  -    -   -" in text


@pytest.mark.parametrize("serial", [None, "", "  ", "NO SERIAL NUMBER", "none", "000000", "-"])
def test_a_ghost_inverter_does_not_count_as_panel(serial: str | None) -> None:
    ghost = {"DEVICE_TYPE": "Inverter", "SERIAL": serial, "STATE": "working", "p_3phsum_kw": "1"}
    plant = read([ghost, {**ghost, "SERIAL": "414050000"}])
    assert [each.serial for each in plant.panels] == ["414050000"]
    assert plant.total == "1 panel, 1.00 kW"


def test_a_missing_device_is_told_from_a_sleeping_one() -> None:
    lost = {"STATE": "error", "STATEDESCR": "Missing"}
    plant = read([
        {"DEVICE_TYPE": "Inverter", "SERIAL": "E1", "STATE": "working", "p_3phsum_kw": "0.2"},
        {"DEVICE_TYPE": "Inverter", "SERIAL": "E2", **lost},
        {"DEVICE_TYPE": "Power Meter", "SERIAL": "M1p", "TYPE": "PVS5-METER-P", **lost},
    ])  # fmt: skip
    assert [each.state for each in plant.panels] == ["working", "missing"]
    assert (plant.missing, plant.meters) == (1, ())
    assert plant.total == "2 panels, 0.20 kW from 1 working, 1 missing from the list"
    assert "normal for minutes to days after a restart" in plant_text(plant)


def test_a_sunvault_s_serial_number_is_whole_and_shown_cut() -> None:
    serial = "00001A2B3C4D" + "".join(f"M0000000000000{each}" for each in range(4))
    plant = read([{"DEVICE_TYPE": "Energy Storage System", "SERIAL": serial, "STATE": "working"}])
    assert plant.storage[0].serial == serial
    assert max(map(len, plant_text(plant).splitlines())) <= 80


@pytest.mark.parametrize(
    ("wear", "percent"), [("0x03", 30), ("0x0b", 110), ("0x0A", 100), ("3", None), ("0x0c", None),
                          (3, None), (None, None)],
)  # fmt: skip
def test_the_wear_of_the_flash_is_read(wear: object, percent: int | None) -> None:
    told = {"DEVICE_TYPE": "PVS", "flash_usage": "73", "flashwear_type_b": wear}
    supervisor = read([told]).supervisor
    assert supervisor is not None
    assert (supervisor.flash_used_percent, supervisor.flash_wear_percent) == (73, percent)


def test_an_empty_plant_is_shown() -> None:
    text = plant_text(read([]))
    assert text == "The device list has no entry for the PVS itself.\n\nTotal: no panels"


def test_no_output_has_the_serial_number_of_the_pvs(devices: Devices) -> None:
    plant = read(devices(battery=True))
    assert plant.summary == "PVS6, firmware 2024.6, Build 61707, 3 panels, 0.60 kW"
    for output in (plant_text(plant), json.dumps(plant_data(plant)), repr(plant)):
        assert "E00121000000001" in output
        assert "B0042" not in output
        assert "PVS6M2175" not in output


@pytest.mark.parametrize("night", [True, False])
def test_the_widest_plant_fits_80_columns(devices: Devices, night: bool) -> None:
    listed = devices(99, night=night, battery=True)
    for device in listed:
        device["SERIAL"] = "S1" * 128
        device["STATE"] = "x" * 500
        device["SWVER"] = device["MODEL"] = "y" * 500
        for key in ("p_3phsum_kw", "net_ltea_3phsum_kwh", "ltea_3phsum_kwh", "t_htsnk_degc"):
            device[key] = "-9999999.94"
    assert max(map(len, plant_text(read(listed)).splitlines())) <= 80


def test_usual_panels_fit_a_phone(devices: Devices) -> None:
    lines = plant_text(read(devices(30))).splitlines()
    assert max(map(len, lines)) <= 45


def test_ascii_keeps_the_columns(devices: Devices) -> None:
    text = plant_text(read(devices()))
    plain = as_ascii(text)
    assert plain.isascii()
    assert list(map(len, plain.splitlines())) == list(map(len, text.splitlines()))
    assert "?" not in plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.25", 0.25),
        ("-3", -3.0),
        (7, 7.0),
        ("", None),
        ("nan", None),
        ("1e999", None),
        (10**400, None),
        (True, None),
        (None, None),
        ([], None),
        ("12 kW", None),
        ("1_000", None),
        ("\u0661\u0662", None),
        ("0x1F", None),
        ("-1.5e-3", -0.0015),
    ],
)
def test_a_number_is_read_or_left_out(value: object, expected: float | None) -> None:
    assert number(value) == expected


def test_untrusted_text_cannot_move_the_cursor() -> None:
    assert clean("a\x1b[2Jb\n\tc\u202eé\ud800") == "a?[2Jb c???"
    assert clean(10**5000) == ""
    assert clean("z" * 30) == "z" * 25 + "~"


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "0 min"), (3599, "59 min"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")]
)
def test_a_duration_has_two_units(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_a_good_answer_is_read(body: Body, devices: Devices) -> None:
    assert read_devices(body()) == devices()


def test_devices_that_are_not_objects_are_left_out(body: Body) -> None:
    assert read_devices(body([None, 3, {"A": 1}])) == [{"A": 1}]


def test_header_lines_in_the_body_are_recognised() -> None:
    with pytest.raises(AnswerError, match="header lines inside the body"):
        read_devices(b'Pragma: no-cache\r\n\r\n{"devices":[],"result":"succeed"}')


def test_a_failed_answer_differs_from_a_damaged_one(body: Body) -> None:
    with pytest.raises(AnswerError, match="busy") as caught:
        read_devices(body(result="busy"))
    assert caught.value.refused
