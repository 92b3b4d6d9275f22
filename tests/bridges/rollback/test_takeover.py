"""A Pi that was configured by hand, as the guides recommend, is taken over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.rollback.bridge import Bridge
from bridges.rollback.conftest import Made

from pvs_lab.playbook import telling_part

_HAPROXY = """
frontend http-in
    bind *:80
    default_backend the_pvs

backend the_pvs
    server pvs 172.27.153.1:80
"""
_DHCPCD = """
interface eth0
    nogateway
    # the cable to the PVS

interface wlan0
    static domain_name_servers=192.168.20.1

profile unused
"""
_WPA = """ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev
country=US
network={
    ssid="Home"
    psk="not a real network"
}
"""
_CONFIGURATION = ("/etc/dhcpcd.conf", "/etc/haproxy/haproxy.cfg")
# Lines of the diff that a check shows.
_SHOWN = {
    "-frontend http-in",
    "-    server pvs 172.27.153.1:80",
    "-interface eth0",
    "-    nogateway",
    "+# replaced by pvs-bridge: interface eth0",
    "+# replaced by pvs-bridge:     nogateway",
    "+# BEGIN pvs-bridge: PVS link",
}
_ASK = "curl --fail --silent --output /dev/null 'http://bridge/cgi-bin/dl_cgi?Command=DeviceList'"
# Their old content is not lost: it is in the run's diff.
_WITHOUT_BACKUP = {"/etc/hostname", "/etc/hosts"}
# Installing packages changes these files, and adds the packages' system users to the last ones.
_ACCOUNTS = ("/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow")
_BY_PACKAGES = {"/etc/ld.so.cache", *_ACCOUNTS, *(f"{path}-" for path in _ACCOUNTS)}


@pytest.fixture(scope="module")
def bridge(lab_of: Made) -> Iterator[Bridge]:
    """A Pi configured as the guides recommend."""
    with lab_of("t-takeover", "bookworm", "dhcpcd") as made:
        made.output("bridge", "apt-get -q update && apt-get -qy install haproxy")
        for path, text in (("haproxy/haproxy.cfg", _HAPROXY), ("dhcpcd.conf", _DHCPCD)):
            made.output("bridge", f"cat >> /etc/{path} << 'END'\n{text}END")
        wpa = "/etc/wpa_supplicant/wpa_supplicant.conf"
        made.output("bridge", f"cat > {wpa} << 'END'\n{_WPA}END\nchmod 600 {wpa}")
        made.reboot()
        assert made.until(lambda: made.run("client", _ASK)[0] == 0)
        yield made


def backups(bridge: Bridge, path: str) -> list[str]:
    """Return the checksums of a file's backups."""
    listed = bridge.output("bridge", f"find {path}.*~ -exec sha256sum {{}} + 2>/dev/null || true")
    return [line.split()[0] for line in listed.splitlines()]


def lines(bridge: Bridge, *paths: str) -> set[str]:
    """The lines of files."""
    return {*bridge.output("bridge", f"cat {' '.join(paths)}").splitlines()}


def test_a_check_shows_what_would_change_and_changes_nothing(bridge: Bridge) -> None:
    before = bridge.state()
    run = bridge.provision({}, "--check", "--diff")
    assert run.status == 0, telling_part(run.output)
    assert {*run.output.splitlines()} >= _SHOWN
    assert bridge.state() - before == {}


def test_the_pi_is_taken_over_with_backups_of_its_files(bridge: Bridge) -> None:
    before, accounts = bridge.state().files, lines(bridge, *_ACCOUNTS)
    bridge.good_run({})
    after = bridge.state().files
    replaced = {path for path in before if after.get(path) != before[path]}
    assert replaced.issuperset(_CONFIGURATION)
    assert bridge.good_run({}).changed == []
    # The line of a file ends with its checksum, that of a folder or a link does not.
    without = {path for path in replaced if before[path].split()[-1] not in backups(bridge, path)}
    assert without - _BY_PACKAGES == _WITHOUT_BACKUP
    assert lines(bridge, *_ACCOUNTS) >= accounts
    assert "/etc/wpa_supplicant/wpa_supplicant.conf" not in replaced


def test_sections_about_the_bridge_s_interfaces_become_comments(bridge: Bridge) -> None:
    lines = bridge.output("bridge", "cat /etc/dhcpcd.conf").splitlines()
    assert "# replaced by pvs-bridge: interface eth0" in lines
    assert "# replaced by pvs-bridge:     nogateway" in lines
    assert "# replaced by pvs-bridge: interface wlan0" in lines
    assert "    # the cable to the PVS" in lines
    assert "profile unused" in lines
    # The active configuration is the bridge's own.
    assert [line for line in lines if line.startswith("interface")] == [
        "interface eth0",
        "interface wlan0",
    ]
