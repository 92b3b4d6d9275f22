"""How much each service may do that the bridge ships or configures, as systemd judges it."""

from __future__ import annotations

import pytest

from pvs_lab.lab_client import LabClient

# From 0, nothing, to 10, everything. The first ones are the project's own.
_MOST = {
    "haproxy": 2.0,
    "pvs-bridge-monitor": 2.5,
    "pvs-bridge-compat": 0.5,
    "pvs-bridge-firewall": 2.0,
    "pvs-bridge-link-guard": 2.0,
    "pvs-bridge-mqtt": 1.5,
    "pvs-bridge-routing": 2.2,
    "pvs-bridge-status": 0.5,
    "pvs-bridge-wifi-guard": 3.0,
    # It puts any file back, and reboots.
    "pvs-bridge-rollback": 6.0,
    # Debian's own units: a logged-in user needs these rights.
    "avahi-daemon": 9.6,
    "dnsmasq": 9.6,
    "ssh": 9.6,
}


@pytest.mark.parametrize("service", _MOST)
def test_it_may_do_no_more_than_it_has_to(lab: LabClient, service: str) -> None:
    if lab.run("bridge", f"systemctl cat {service}.service")[0]:
        pytest.skip("it is not on this bridge")
    said = lab.output("bridge", f"systemd-analyze security --no-pager {service}.service")
    exposure = float(said.rpartition(f"{service}.service:")[2].split()[0])
    assert exposure <= _MOST[service], said
