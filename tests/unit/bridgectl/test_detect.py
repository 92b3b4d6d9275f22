"""What a computer knows about the place where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridgectl.init import detect
from bridgectl.init.detect import Found, find_country, find_ssid, resolves

Tool = Callable[[str, str], None]

REG_GET = """\
global
country {country}: DFS-ETSI
\t(2402 - 2482 @ 40), (N/A, 20), (N/A)

phy#0 (self-managed)
country CA: DFS-FCC
"""

IW_DEV = """\
phy#0
\tInterface ap0
\t\tifindex 5
\t\tssid My own hotspot
\t\ttype AP
\tInterface wlan0
\t\tifindex 3
\t\tssid {ssid}
\t\ttype managed
\t\tchannel 6 (2437 MHz), width: 20 MHz, center1: 2437 MHz
"""

ZONE_TAB = (
    "# comment\nNO\t+5955+01045\tEurope/Oslo\nUS\t+394421-1045903\tAmerica/Denver\tMountain\n"
)
ZONE1970_TAB = "DE,DK,NO,SE,SJ\t+5230+01322\tEurope/Berlin\tmost of Germany\n"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test on a computer that knows nothing."""
    del tool  # without tools
    for name in ("LANG", "LC_ALL", "TZ"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(detect, "LOCALTIME", tmp_path / "localtime")
    monkeypatch.setattr(detect, "TIMEZONE", tmp_path / "timezone")
    monkeypatch.setattr(detect, "ZONEINFO", tmp_path)
    (tmp_path / "zone.tab").write_text(ZONE_TAB)
    (tmp_path / "zone1970.tab").write_text(ZONE1970_TAB)


def test_a_computer_without_sources_detects_nothing() -> None:
    assert find_country() is None
    assert find_ssid() is None
    assert not resolves("garage.local")


def test_the_radio_knows_the_country_best(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    tool("iw", REG_GET.format(country="AT"))
    monkeypatch.setenv("TZ", "America/Denver")
    assert find_country() == Found("AT", "this computer's Wi-Fi")


@pytest.mark.parametrize("code", ["00", "98", "99"])
def test_a_radio_without_a_country_is_ignored(tool: Tool, code: str) -> None:
    tool("iw", REG_GET.format(country=code))
    assert find_country() == Found("CA", "this computer's Wi-Fi")


@pytest.mark.parametrize("written", ["America/Denver", ":America/Denver"])
def test_the_time_zone_of_the_environment_says_the_country(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("TZ", written)
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert find_country() == Found("US", "this computer's time zone, America/Denver")


def test_the_time_zone_of_the_system_says_the_country(tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("../usr/share/zoneinfo/Europe/Oslo")
    assert find_country() == Found("NO", "this computer's time zone, Europe/Oslo")


def test_the_time_zone_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "timezone").write_text("Europe/Oslo\n")
    assert find_country() == Found("NO", "this computer's time zone, Europe/Oslo")


def test_a_zone_of_several_countries_is_taken_for_the_largest_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert find_country() == Found("DE", "this computer's time zone, Europe/Berlin")


@pytest.mark.parametrize("zone", ["Etc/UTC", "", "Mars/Olympus"])
def test_a_zone_of_no_country_leaves_it_to_the_language(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    monkeypatch.setenv("LANG", "de_CH.UTF-8")
    assert find_country() == Found("CH", "this computer's language, de_CH")


@pytest.mark.parametrize("language", ["C.UTF-8", "POSIX", "en", "en_001.UTF-8", "es_419", "eo"])
def test_a_language_of_no_country_says_nothing(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("LANG", language)
    assert find_country() is None


@pytest.mark.parametrize(
    "ssid",
    ["home", "Jack & Jill's", " two : colons : ", "back\\slash", "Grüße ☀", "0123", "a\nb\x00"],
)
def test_networkmanager_tells_the_ssid_byte_by_byte(tool: Tool, ssid: str) -> None:
    others = "no:6F74686572\n"
    tool("nmcli", f"{others}yes:{ssid.encode().hex().upper()}\n{others}")
    assert find_ssid() == ssid


def test_without_networkmanager_iw_tells_the_ssid_of_the_client_interface(tool: Tool) -> None:
    tool("iw", IW_DEV.format(ssid=r"\x20Gr\xc3\xbc\xc3\x9fe \x5cx41\x20"))
    assert find_ssid() == r" Grüße \x41 "


def test_without_either_iwgetid_tells_the_ssid(tool: Tool) -> None:
    tool("iwgetid", "Jack & Jill's \n")
    assert find_ssid() == "Jack & Jill's "


@pytest.mark.parametrize("raw", ["FF00", "41" * 33, "", "4"])
def test_a_name_that_cannot_be_written_down_is_left_to_a_person(tool: Tool, raw: str) -> None:
    tool("nmcli", f"yes:{raw}\n")
    assert find_ssid() is None


def test_a_tool_that_fails_says_nothing(tool: Tool, tmp_path: Path) -> None:
    tool("nmcli", "yes:686F6D65\n")
    (tmp_path / "tools/nmcli").write_text("#!/bin/sh\necho yes:686F6D65\nexit 8\n")
    assert find_ssid() is None


def test_a_tool_that_hangs_is_not_waited_for(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool("nmcli", "")
    (tmp_path / "tools/nmcli").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(detect, "_PATIENCE_SECONDS", 0.1)
    assert find_ssid() is None


def test_a_name_that_leads_somewhere_resolves(tool: Tool) -> None:
    tool("getent", "192.168.1.20  STREAM garage.local\n")
    assert resolves("garage.local")
