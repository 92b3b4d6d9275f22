"""Programs for the new API work through the bridge, by HTTPS and by HTTP."""

from __future__ import annotations

import pytest
from bridges.compat.house import House


@pytest.mark.core
def test_the_vendor_s_own_library_reads_the_plant(locked: House) -> None:
    plant = locked.simulator("/_sim/plant")
    (read,) = locked.program("vendor", "bridge", locked.record()["serial"])
    assert read["serial"] == locked.record()["serial"]
    panels = {each["serial"]: each for each in plant["reading"]["panels"]}
    assert set(read["inverters"]) == set(panels)
    for serial, inverter in read["inverters"].items():
        assert abs(inverter["last_report_kw"] - panels[serial]["power_kw"]) < 1e-5
        assert abs(inverter["lte_kwh"] - panels[serial]["energy_kwh"]) < 1e-5
    meters = {plant["reading"][kind]["serial"] for kind in ("production", "consumption")}
    assert set(read["meters"]) == meters
    assert read["gateway"]["software_version"].endswith(".61846")
    assert locked.record()["writes"]["count"] == 0


def test_a_cookie_comes_back_on_port_80(locked: House) -> None:
    (values,) = locked.program("cookie", "bridge", locked.record()["serial"])
    assert len([name for name in values if name.endswith("/sn")]) == 12


def test_the_pvs_s_secrets_are_not_published(locked: House) -> None:
    for name in ("serialnum", "ssid", "wpa_key"):
        url = f"http://bridge/vars?name=/sys/info/{name}"
        printed = locked.output("client", f"curl -s -w ' %{{http_code}}' -b session=abc '{url}'")
        assert printed.endswith(" 401")
        assert "proxy_secrets_enabled" in printed
