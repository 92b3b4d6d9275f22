"""What the module finds in the file system of a Pi."""

from __future__ import annotations

import json
import os
import pathlib
import pwd
import socket

import pytest

from ansible_collections.pvs_bridge.core.plugins.modules import bridge_facts

TRIXIE = """\
PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
VERSION_ID="13"
VERSION_CODENAME=trixie
ID=debian
"""
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t01991BAC\t0003\t0\t0\t100\t00000000\t0\t0\t0
*\t00000000\t00000000\t0200\t0\t0\t50\t00000000\t0\t0\t0
eth0\t00991BAC\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""


def write(root: pathlib.Path, **files: str) -> pathlib.Path:
    for name, text in files.items():
        target = root / name.replace("__", "/").replace("_dash_", "-").replace("_dot_", ".")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return root


def silent(command: list[str]) -> str:  # noqa: ARG001 - has to be called as a Run is
    return ""


def nothing(command: str) -> bool:  # noqa: ARG001 - has to be called as look calls it
    return False


def test_the_addresses_that_the_pvs_cannot_have_are_found(tmp_path: pathlib.Path) -> None:
    shown = (
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n"
        "3: wlan0    inet 192.168.20.20/24 brd 192.168.20.255 scope global wlan0\n"
    )
    table = tmp_path / "proc/net/route"
    table.parent.mkdir(parents=True)
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "wlan0\t00000000\t0114A8C0\t0003\t0\t0\t600\t00000000\n"
        "wlan0\t0014A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\n"
    )
    assert bridge_facts.occupied(tmp_path, lambda _: shown) == [
        "127.0.0.1", "192.168.20.20", "192.168.20.1",
    ]  # fmt: skip


def test_an_empty_root_gives_every_key_and_breaks_nothing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert bridge_facts.look(tmp_path, silent, nothing, ["bash"], []) == {
        "os": {
            "id": "",
            "codename": "",
            "version_id": "",
            "pretty_name": "",
            "raspberry_pi_os": False,
        },
        "model": None,
        "hostname": "",
        "interfaces": {},
        "backend": None,
        "backends_enabled": [],
        "unit_file_states": {
            "NetworkManager.service": "",
            "dhcpcd.service": "",
        },
        "units": {},
        "radio_blocked": False,
        "packages": {},
        "netplan": False,
        "cloud_init": False,
        "boot_directory": "/boot",
        "default_route_interfaces": [],
        "booted": False,
        "initramfs": False,
        "root": {"locked": False, "ours": False},
        "routes": False,
        "firewall": "absent",
        "other_firewalls": [],
        "domains": [],
        "overlap": "",
        "occupied": [],
        "listeners": [],
        "taken": [],
        "ssh": {
            "login_user": pwd.getpwuid(os.getuid()).pw_name,
            "key_users": [],
            "extensible": False,
            "configured": False,
        },
        "unconfirmed": {},
        "card": False,
        "old_version": False,
    }


SS = """\
udp UNCONN 0 0 0.0.0.0:5353 0.0.0.0:* users:(("avahi-daemon",pid=52,fd=12))
udp UNCONN 0 0 0.0.0.0:42083 0.0.0.0:* users:(("avahi-daemon",pid=52,fd=14))
udp UNCONN 0 0 [fe80::70:76ff:fe73:1]%eth0:546 [::]:* users:(("NetworkManager",pid=62,fd=34))
udp UNCONN 0 0 0.0.0.0:123 0.0.0.0:* users:(("ntpd",pid=9,fd=3))
tcp LISTEN 0 128 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=8,fd=3))
tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:(("lighttpd",pid=75,fd=6),("lighttpd",pid=76,fd=6))
tcp LISTEN 0 128 [::]:80 [::]:* users:(("lighttpd",pid=75,fd=7))
tcp LISTEN 0 4096 *:8123 *:*
"""


def test_ports_that_the_home_reaches_are_listed_once_with_program_and_unit(
    tmp_path: pathlib.Path,
) -> None:
    write(
        tmp_path,
        proc__75__cgroup="0::/system.slice/lighttpd.service\n",
        proc__9__cgroup="0::/user.slice/user-1000.slice/session-3.scope\n",
    )
    found = bridge_facts.listeners(bridge_facts.sockets(tmp_path, lambda _: SS))
    assert found == [
        {"port": 80, "protocol": "tcp", "program": "lighttpd", "unit": "lighttpd.service"},
        {"port": 123, "protocol": "udp", "program": "ntpd", "unit": ""},
        {"port": 8123, "protocol": "tcp", "program": "", "unit": ""},
    ]


def test_a_port_is_taken_if_it_cannot_be_bound_by_another_unit_than_its_own(
    tmp_path: pathlib.Path,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = f'tcp LISTEN 0 1 127.0.0.1:{port} 0.0.0.0:* users:(("nginx",pid=7,fd=3))\n'
        write(tmp_path, proc__7__cgroup="0::/system.slice/nginx.service\n")
        every = bridge_facts.sockets(tmp_path, lambda _: text)

        def taken(unit: str, address: str) -> list[str]:
            wanted = {"variable": "proxy_http_port", "port": port, "unit": unit, "address": address}
            found = bridge_facts.taken([wanted], every, silent)
            return [each["program"] for each in found]

        assert taken("haproxy.service", "*") == ["nginx"]
        assert taken("haproxy.service", "127.0.0.1") == ["nginx"]
        assert taken("haproxy.service", "127.0.0.2") == []
        assert taken("nginx.service", "*") == []
    assert taken("haproxy.service", "*") == []


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("3: wlan0 inet 172.27.1.5/16 brd", "172.27.0.0/16"),
        ("3: wlan0 inet 172.27.153.40/24 brd", "172.27.153.0/24"),
        ("3: wlan0 inet 172.27.1.5/24 brd", ""),
        ("", ""),
    ],
)
def test_a_home_network_that_contains_the_pvs_is_found(shown: str, expected: str) -> None:
    assert bridge_facts.overlap(lambda _: shown, "wlan0", "172.27.153.0/24") == expected


def test_the_domain_of_the_home_is_read(tmp_path: pathlib.Path) -> None:
    write(
        tmp_path, etc__resolv_dot_conf="# by NM\nsearch Fritz.Box lan. ${x}\nnameserver 1.1.1.1\n"
    )
    assert bridge_facts.domains(tmp_path) == ["fritz.box", "lan"]


def test_ufw_is_a_firewall_after_it_was_enabled(tmp_path: pathlib.Path) -> None:
    states = {"ufw.service": ("active", "enabled"), "firewalld.service": ("inactive", "")}
    write(tmp_path, etc__ufw__ufw_dot_conf="# x\nENABLED=no\n")
    assert bridge_facts.other_firewalls(tmp_path, states) == []
    write(tmp_path, etc__ufw__ufw_dot_conf="# x\nENABLED=yes\n")
    assert bridge_facts.other_firewalls(tmp_path, states) == ["ufw"]
    states["firewalld.service"] = ("active", "enabled")
    assert bridge_facts.other_firewalls(tmp_path, states) == ["ufw", "firewalld"]


def test_the_release_is_read_and_raspberry_pi_os_told_from_debian(tmp_path: pathlib.Path) -> None:
    write(tmp_path, etc__os_dash_release=TRIXIE)
    assert bridge_facts.operating_system(tmp_path) == {
        "id": "debian",
        "codename": "trixie",
        "version_id": "13",
        "pretty_name": "Debian GNU/Linux 13 (trixie)",
        "raspberry_pi_os": False,
    }
    write(tmp_path, etc__rpi_dash_issue="Raspberry Pi reference 2026-01-01\n")
    assert bridge_facts.operating_system(tmp_path)["raspberry_pi_os"]


def test_the_model_comes_without_the_nul_of_the_device_tree(tmp_path: pathlib.Path) -> None:
    write(tmp_path, proc__device_dash_tree__model="Raspberry Pi 4 Model B Rev 1.5\0")
    model = bridge_facts.look(tmp_path, silent, nothing, [], [])["model"]
    assert model == "Raspberry Pi 4 Model B Rev 1.5"


def test_interfaces_come_without_loopback_and_with_what_they_are(tmp_path: pathlib.Path) -> None:
    net = "sys__class__net__"
    write(
        tmp_path,
        **{
            f"{net}lo__address": "00:00:00:00:00:00\n",
            f"{net}eth0__address": "b8:27:eb:00:00:01\n",
            f"{net}eth0__carrier": "0\n",
            f"{net}wlan0__address": "b8:27:eb:00:00:02\n",
            f"{net}wlan0__phy80211__index": "0\n",
            f"{net}bonding_masters": "\n",
        },
    )
    usb = tmp_path / "sys/devices/platform/soc/3f980000.usb/usb1/1-1"
    usb.mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0/device").symlink_to(usb)
    assert bridge_facts.interfaces(tmp_path) == {
        "eth0": {"mac": "b8:27:eb:00:00:01", "wireless": False, "usb": True, "carrier": False},
        "wlan0": {"mac": "b8:27:eb:00:00:02", "wireless": True, "usb": False, "carrier": None},
    }


def test_default_routes_come_by_metric_without_those_that_refuse(tmp_path: pathlib.Path) -> None:
    write(tmp_path, proc__net__route=ROUTES)
    assert bridge_facts.default_route_interfaces(tmp_path) == ["eth0", "wlan0"]


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ({}, []),
        ({"NetworkManager.service": ("active", "enabled")}, ["networkmanager"]),
        ({"dhcpcd.service": ("inactive", "enabled")}, ["dhcpcd"]),
        ({"dhcpcd.service": ("active", "masked")}, ["dhcpcd"]),
        (
            {
                "NetworkManager.service": ("inactive", "enabled"),
                "dhcpcd.service": ("active", "enabled"),
            },
            ["dhcpcd", "networkmanager"],
        ),
        (
            {
                "NetworkManager.service": ("active", "enabled"),
                "dhcpcd.service": ("active", "enabled"),
            },
            ["networkmanager", "dhcpcd"],
        ),
        (
            {
                "NetworkManager.service": ("inactive", "enabled"),
                "dhcpcd.service": ("inactive", "enabled"),
            },
            ["networkmanager", "dhcpcd"],
        ),
        ({"NetworkManager.service": ("inactive", "disabled")}, []),
    ],
)
def test_the_backend_in_charge_comes_first(
    states: dict[str, tuple[str, str]], found: list[str]
) -> None:
    assert bridge_facts.backends(states) == found


def test_a_running_systemd_is_asked_about_all_units_at_once() -> None:
    asked = []

    def run(command: list[str]) -> str:
        asked.append(command)
        return (
            "Id=NetworkManager.service\nActiveState=active\nUnitFileState=enabled\n\n"
            "Id=dhcpcd.service\nActiveState=inactive\nUnitFileState=masked\n"
        )

    units = ["NetworkManager.service", "dhcpcd.service"]
    states = bridge_facts.unit_states(run, units, booted=True)
    assert states == {
        "NetworkManager.service": ("active", "enabled"),
        "dhcpcd.service": ("inactive", "masked"),
    }
    assert len(asked) == 1


def test_inside_an_image_being_built_only_what_is_enabled_is_known(
    tmp_path: pathlib.Path,
) -> None:
    def run(command: list[str]) -> str:
        enabled = command == ["systemctl", "is-enabled", "NetworkManager.service"]
        return "enabled\n" if enabled else "disabled\n"

    write(tmp_path, etc__hostname="garage\n")
    found = bridge_facts.look(tmp_path, run, nothing, [], [])
    assert (found["booted"], found["backend"]) == (False, "networkmanager")
    assert found["unit_file_states"] == {
        "NetworkManager.service": "enabled",
        "dhcpcd.service": "disabled",
    }
    assert found["hostname"] == "garage"


def test_a_chroot_into_which_run_is_mounted_is_not_booted(tmp_path: pathlib.Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "proc/1/root").mkdir(parents=True)
    assert not bridge_facts.is_booted(tmp_path)
    (tmp_path / "proc/1/root").rmdir()
    (tmp_path / "proc/1/root").symlink_to(tmp_path)
    assert bridge_facts.is_booted(tmp_path)


def test_a_way_from_the_home_to_the_pvs_is_known_by_its_unit(tmp_path: pathlib.Path) -> None:
    unit = tmp_path / "etc/systemd/system/pvs-bridge-routing.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    assert bridge_facts.look(tmp_path, silent, nothing, [], [])["routes"]


@pytest.mark.parametrize(
    ("said", "state"),
    [("active", "running"), ("inactive", "stopped"), ("failed", "stopped"), ("", "stopped")],
)
def test_the_firewall_is_known_by_its_unit_and_runs_if_systemd_says_so(
    tmp_path: pathlib.Path, said: str, state: str
) -> None:
    states = {"pvs-bridge-firewall.service": (said, "enabled")}
    assert bridge_facts.firewall(tmp_path, states) == "absent"
    unit = tmp_path / "etc/systemd/system/pvs-bridge-firewall.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    assert bridge_facts.firewall(tmp_path, states) == state


def test_a_blocked_radio_is_found(tmp_path: pathlib.Path) -> None:
    rfkill = "sys__class__rfkill__rfkill"
    write(tmp_path, **{f"{rfkill}0__type": "bluetooth\n", f"{rfkill}0__soft": "1\n"})
    write(tmp_path, **{f"{rfkill}1__type": "wlan\n", f"{rfkill}1__soft": "0\n"})
    assert not bridge_facts.radio_blocked(tmp_path)
    write(tmp_path, **{f"{rfkill}1__soft": "1\n"})
    assert bridge_facts.radio_blocked(tmp_path)


def test_all_users_with_a_key_are_listed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/bash\n"
        "daemon:x:1:1::/home/daemon:/usr/sbin/nologin\n"
        "+nis\n"
        "pi:x:1000:1000::/home/pi:/bin/bash\n"
        "ann:x:1001:1001::/home/ann:/bin/sh\n"
        "ben:x:1002:1002::/home/ben:/bin/sh\n"
    )
    for home, file, text in (
        ("root", "authorized_keys", "# no key yet\n\n"),
        ("home/daemon", "authorized_keys", "ssh-ed25519 AAAA daemon\n"),
        ("home/pi", "authorized_keys", "# mine\nssh-ed25519 AAAA pi\n"),
        ("home/ann", "authorized_keys2", 'from="10.0.0.1" ssh-rsa AAAA ann'),
    ):
        keys = tmp_path / home / ".ssh" / file
        keys.parent.mkdir(parents=True)
        keys.write_text(text)
    assert bridge_facts.key_users(tmp_path) == ["pi", "ann"]


def test_the_login_user_is_reported_after_become(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "pi")
    assert bridge_facts.ssh(tmp_path)["login_user"] == "pi"


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("Include /etc/ssh/sshd_config.d/*.conf", True),
        ("  include  /etc/ssh/sshd_config.d/*.conf", True),
        ("# Include /etc/ssh/sshd_config.d/*.conf", False),
        ("Include /etc/ssh/other.d/*.conf", False),
    ],
)
def test_whether_sshd_reads_what_is_put_beside_its_file_is_known(
    tmp_path: pathlib.Path, line: str, read: bool
) -> None:
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/ssh/sshd_config").write_text(f"Port 22\n{line}\nUsePAM yes\n")
    assert bridge_facts.ssh(tmp_path)["extensible"] == read


def test_a_change_that_waits_is_asked_for_only_where_there_is_one(tmp_path: pathlib.Path) -> None:
    asked = []
    pending = {"id": "3f0c", "controller": "anna@laptop", "age_seconds": 20, "left_seconds": 100}

    def run(command: list[str]) -> str:
        asked.append(command)
        return json.dumps({"pending": pending, "last_undone": {}})

    assert bridge_facts.unconfirmed(tmp_path, run) == {}
    assert asked == []
    marker = tmp_path / "var/lib/pvs-bridge/rollback/pending.json"
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert bridge_facts.unconfirmed(tmp_path, run) == pending
    assert asked == [["/usr/local/bin/pvs-bridge", "rollback", "status", "--json"]]


@pytest.mark.parametrize("said", ["", '{"pending": null, "last_undone": {}}'])
def test_a_change_that_has_just_ended_does_not_wait(tmp_path: pathlib.Path, said: str) -> None:
    marker = tmp_path / "var/lib/pvs-bridge/rollback/pending.json"
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert bridge_facts.unconfirmed(tmp_path, lambda _: said) == {}


def test_only_fully_installed_packages_count() -> None:
    asked = []

    def run(command: list[str]) -> str:
        asked.append(command)
        return (
            "haproxy\t3.0.11-1\tinstall ok installed\n"
            "dnsmasq\t2.91-1\tdeinstall ok config-files\n"
            "avahi-daemon\t0.8-16\tinstall ok half-configured\n"
        )

    names = ["haproxy", "dnsmasq", "avahi-daemon", "--admindir=/x", "lib*"]
    assert bridge_facts.installed_packages(run, names) == {"haproxy": "3.0.11-1"}
    assert asked[0][-3:] == ["haproxy", "dnsmasq", "avahi-daemon"]


def test_firmware_and_netplan_are_found_where_newer_releases_have_them(
    tmp_path: pathlib.Path,
) -> None:
    write(tmp_path, **{"boot__firmware__config.txt": "", "etc__netplan__90-nm.yaml": ""})
    found = bridge_facts.look(tmp_path, silent, nothing, [], [])
    assert (found["boot_directory"], found["netplan"]) == ("/boot/firmware", True)


def test_a_root_is_locked_where_overlayroot_has_laid_memory_over_it(tmp_path: pathlib.Path) -> None:
    write(tmp_path, proc__mounts="/dev/root / ext4 rw 0 0\noverlay /srv overlay rw 0 0\n")
    assert bridge_facts.root_file_system(tmp_path) == {"locked": False, "ours": False}
    write(tmp_path, proc__mounts="overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n")
    assert bridge_facts.root_file_system(tmp_path) == {"locked": True, "ours": False}
    write(
        tmp_path,
        etc__overlayroot_dot_local_dot_conf="# Written by pvs-bridge overlay; read by ...\n",
    )
    assert bridge_facts.root_file_system(tmp_path) == {"locked": True, "ours": True}


def test_an_initramfs_has_to_have_been_there_at_the_boot(tmp_path: pathlib.Path) -> None:
    assert bridge_facts.initramfs(tmp_path, booted=False, made=True)
    assert not bridge_facts.initramfs(tmp_path, booted=True, made=True)
    (tmp_path / "run/initramfs").mkdir(parents=True)
    assert bridge_facts.initramfs(tmp_path, booted=True, made=True)
    assert not bridge_facts.initramfs(tmp_path, booted=True, made=False)
