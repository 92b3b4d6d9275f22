"""After a change of the Wi-Fi's passphrase the old one is nowhere on the Pi."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from bridges.rollback.bridge import SNAPSHOT, Bridge

_SSID = "Sunnyside"
_FIRST, _SECOND = "first sunflower", "second sunflower"
# A cable stands for the radio: wlan0 has the folder of a Wi-Fi interface, wpa_supplicant reads its
# configuration without a driver, and NetworkManager connects the cable in place of the Wi-Fi.
_DROP_IN = "/etc/systemd/system/wpa_supplicant@wlan0.service.d"
_SUPPLICANT = "/sbin/wpa_supplicant -Dnone -c/etc/wpa_supplicant/wpa_supplicant-wlan0.conf -iwlan0"
_NMCLI = """#!/bin/sh
case "$*" in
    *"connection up pvs-bridge-uplink-0") exec /usr/bin/nmcli --wait 45 device connect wlan0 ;;
esac
exec /usr/bin/nmcli "$@"
"""
_RADIO = f"""
cat > /usr/local/sbin/nmcli << 'END'
{_NMCLI}END
chmod 755 /usr/local/sbin/nmcli
mkdir -p /run/radio/wireless {_DROP_IN}
cd /sys/class/net/wlan0/
cp address carrier flags ifindex mtu operstate type uevent /run/radio/
mount --bind /run/radio "$(pwd -P)"
printf '[Service]\\nExecStart=\\nExecStart={_SUPPLICANT}\\n' > {_DROP_IN}/lab.conf
systemctl daemon-reload
"""
_CABLE = f"""
cd / && umount /sys/class/net/wlan0/
rm -r /run/radio {_DROP_IN} /usr/local/sbin/nmcli
systemctl daemon-reload
"""


@pytest.fixture
def radio(bridge: Bridge) -> Iterator[Bridge]:
    """The bridge, whose interface to the home passes for a radio."""
    bridge.output("bridge", _RADIO)
    try:
        yield bridge
    finally:
        bridge.output("bridge", _CABLE)
        bridge.good_run({})
        # The way home is a cable again, and nothing is left of the Wi-Fi.
        assert bridge.output("bridge", "systemctl list-units --plain --no-legend 'wpa_su*@*'") == ""
        assert bridge.run("bridge", "ls /etc/wpa_supplicant/wpa_supplicant-wlan0.conf")[0] != 0


def network(passphrase: str) -> dict[str, Any]:
    """Return the variables of a bridge in this network."""
    return {
        "uplink_type": "wifi",
        "uplink_country": "DE",
        "uplink_networks": [{"ssid": _SSID, "passphrase": passphrase}],
    }


def places(bridge: Bridge, passphrase: str) -> list[str]:
    """Return the files of the Pi with a passphrase or its key, and the journal if it has one."""
    key = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), _SSID.encode(), 4096, 32).hex()
    patterns = f"-i -F -e '{passphrase}' -e {key} -e {passphrase.encode().hex()}"
    folders = "/boot /etc /home /root /run /tmp /usr/local /var"
    return bridge.output(
        "bridge",
        f"grep -rl {patterns} {folders} 2> /dev/null; "
        f"journalctl --no-pager --output=verbose | grep -q {patterns} && echo journal; true",
    ).split("\n")[:-1]


def test_an_old_passphrase_is_nowhere_on_the_pi(radio: Bridge) -> None:
    radio.good_run(network(_FIRST))
    (profile,) = places(radio, _FIRST)
    assert profile.startswith(("/etc/NetworkManager/", "/etc/wpa_supplicant/"))
    with radio.running(network(_SECOND)) as end:
        # The snapshot restores the old one until the change is confirmed.
        assert radio.waits_for(SNAPSHOT, there=True)
        assert places(radio, _FIRST)
        run = end()
    assert run.confirm_seconds > 0
    assert run.says(f"{radio.name} is healthy")
    assert places(radio, _SECOND) == [profile]
    assert places(radio, _FIRST) == []
    assert radio.traces() == []
