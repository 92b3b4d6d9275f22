"""The support bundle contains no secret: the test plants secrets and searches for them."""

from __future__ import annotations

import base64
import json
import stat
import tarfile
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from bridges.doctor.conftest import OWNER_PASSWORD, USERS_HASH, Target

PASSPHRASE = 'correct & "horse" it\'s'  # noqa: S105 - only planted
KEY = "5ec7e7" * 10 + "abcd"
HOTSPOT = "19056185"
SERIAL = "ZT190585000549A6185"
CLOUD_HASH = "$6$rounds=4096$cloudsalt$Zu0yLwXkqTq0m5vJ4V8v1dG0w4Yf1d9n5S6tT7uU8vV9wW0xX1yY2zZ3"
SWORDFISH = "swordfish-of-the-shed"

PLANTED: Mapping[str, str] = {
    "/etc/NetworkManager/system-connections/my home.nmconnection": (
        f"[connection]\nid=my home\ntype=wifi\n[wifi]\nssid=Sunnyside\n[wifi-security]\n"
        f"psk={PASSPHRASE}\n"
    ),
    "/etc/NetworkManager/system-connections/hashed.nmconnection": f"[wifi-security]\npsk={KEY}\n",
    "/etc/netplan/90-planted.yaml": (
        f"network:\n  wifis:\n    wlan9:\n      access-points:\n        Shed:\n"
        f"          password: '{SWORDFISH}'\n"
    ),
    "/etc/wpa_supplicant/planted.conf": (
        f"network={{\n\tssid=\"Shed\"\n\t#psk=\"{SWORDFISH}\"\n\tpsk={KEY}\n"
        f"\tsae_password={json.dumps(PASSPHRASE)}\n}}\n"
    ),
    "/etc/avahi/services/planted.service": (
        f"<service-group><name>PVS6 {SERIAL}</name><service><type>_pvs6._tcp</type><port>80</port>"
        f"<txt-record>serialnum={SERIAL}</txt-record></service></service-group>\n"
    ),
    "/boot/firmware/user-data": f"#cloud-config\nuser:\n  name: pi\n  passwd: {CLOUD_HASH}\n",
    "/boot/firmware/network-config": f"wifis:\n  wlan0:\n    password: \"{KEY}\"\n",
    "/boot/firmware/pvs-bridge.yml": (
        f"compat_password: {SWORDFISH}\nproxy_users: {{a: '{CLOUD_HASH}'}}\n"
    ),
}  # fmt: skip
JOURNAL = (
    f"hotspot SunPower05185 wants {HOTSPOT}; owner A6185 of {SERIAL}",
    f"tried {PASSPHRASE} and {urllib.parse.quote(PASSPHRASE)}",
    f"psk={KEY} Authorization: Basic {base64.b64encode(f'anna:{SWORDFISH}'.encode()).decode()}",
    f"hexdump(len={len(SWORDFISH)}): {SWORDFISH.encode().hex(' ')}",
    f"passwd {CLOUD_HASH} {USERS_HASH} {OWNER_PASSWORD}",
)


@pytest.fixture
def planted(bridge: Target) -> Iterator[Target]:
    """A bridge with secrets in all its corners; NetworkManager and avahi are not told of them."""
    for path, text in PLANTED.items():
        encoded = base64.b64encode(text.encode()).decode()
        bridge.output(
            "bridge",
            f"mkdir -p '{Path(path).parent}' && umask 077 && echo {encoded} | base64 -d > '{path}'",
        )
    for line in JOURNAL:
        encoded = base64.b64encode(line.encode()).decode()
        bridge.output("bridge", f"echo {encoded} | base64 -d | systemd-cat -t planted")
    yield bridge
    bridge.output("bridge", f"rm {' '.join(repr(path) for path in PLANTED)}")


def spellings(secret: str) -> Iterator[bytes]:
    """Name the ways in which a secret may be written."""
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].encode()
    yield urllib.parse.quote(secret).encode()
    yield raw.hex().encode()
    yield raw.hex(" ").encode()
    yield base64.b64encode(raw)


@pytest.mark.core
def test_no_secret_is_in_the_bundle(planted: Target, tmp_path: Path) -> None:
    said = planted.doctor("--bundle", f"--output={tmp_path}")
    assert said.status == 0, said.text + said.errors
    (archive,) = tmp_path.iterdir()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as members:
        texts = {
            member.name.partition("/")[2]: file.read()
            for member in members
            if (file := members.extractfile(member))
        }
    everything = b"\n".join(part for name, text in texts.items() for part in (name.encode(), text))
    host_keys = planted.output("bridge", "grep -hv -- ----- /etc/ssh/ssh_host_*_key")
    secrets = [
        PASSPHRASE, KEY, HOTSPOT, SERIAL, "A6185", "SunPower05185", CLOUD_HASH, USERS_HASH,
        OWNER_PASSWORD, SWORDFISH, f"anna:{SWORDFISH}", *host_keys.split(),
        planted.output("bridge", "cat /etc/machine-id").strip(),
        planted.output("bridge", "cat /sys/class/net/wlan0/address").strip(),
        planted.simulator("/_sim/stats?log=0")["serial"],
    ]  # fmt: skip
    found = {
        secret for secret in secrets for spelling in spellings(secret) if spelling in everything
    }
    assert found == set()


def test_what_helps_is_in_it(planted: Target, tmp_path: Path) -> None:
    assert planted.doctor("--bundle", f"--output={tmp_path}").status == 0
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as members:
        names = {member.name.partition("/")[2] for member in members}
        report = members.extractfile(f"{archive.name.removesuffix('.tar.xz')}/report.txt")
        assert report is not None
        assert "is healthy" in report.read().decode()
        journal = members.extractfile(f"{archive.name.removesuffix('.tar.xz')}/output/journal")
        assert journal is not None
        lines = journal.read().decode()
    assert {"README.txt", "files/etc/haproxy/haproxy.cfg", "files/etc/pvs-bridge/health.json",
            "output/units", "output/addresses"} <= names  # fmt: skip
    assert "planted" in lines
    assert "hotspot" in lines
    assert not [name for name in names if "ssh_host" in name or "user-data" in name]
