"""No user of the Pi controls its services, its network, or the bridge's units."""

from __future__ import annotations

import shlex

import pytest
from bridges.local_users.conftest import Pis
from bridges.local_users.users import ACCOUNT, ROOTLESS, User

on_every_user = pytest.mark.parametrize("user", (ACCOUNT, ROOTLESS), ids=lambda user: user.name)
_BUS = "busctl --timeout=5 call"
_MANAGER = (
    f"{_BUS} org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager"
)
_LOGIN = f"{_BUS} org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager"
_NAMES = f"{_BUS} org.freedesktop.hostname1 /org/freedesktop/hostname1 org.freedesktop.hostname1"
_CLOCK = f"{_BUS} org.freedesktop.timedate1 /org/freedesktop/timedate1 org.freedesktop.timedate1"
_WPA = f"{_BUS} fi.w1.wpa_supplicant1 /fi/w1/wpa_supplicant1 fi.w1.wpa_supplicant1"
_AVAHI = f"{_BUS} org.freedesktop.Avahi / org.freedesktop.Avahi.Server"
# Of each daemon that the bridge configures: what would stop it, or change what it does.
_CALLS = {
    "systemd": (
        f"{_MANAGER} Reboot", f"{_MANAGER} PowerOff", f"{_MANAGER} Reload",
        f'{_MANAGER} SetEnvironment as 1 "LD_PRELOAD=/tmp/x"',
    ),
    "logind": (f"{_LOGIN} Reboot b false", f"{_LOGIN} PowerOff b false"),
    "hostname": (f"{_NAMES} SetStaticHostname sb thief false",),
    "clock": (f"{_CLOCK} SetTime xbb 0 false false", f"{_CLOCK} SetNTP bb false false"),
    "wpa_supplicant": (
        f'{_WPA} CreateInterface "a{{sv}}" 1 Ifname s eth0',
        f'{_WPA} GetInterface s wlan0',
    ),
    "avahi": (f"{_AVAHI} SetHostName s thief",),
    "NetworkManager": (
        # It exits with 0 also if it was refused.
        "sh -c 'nmcli connection down pvs-bridge-link | grep successfully'",
        "nmcli connection up pvs-bridge-link",
        "nmcli connection delete pvs-bridge-link", "nmcli device disconnect eth0",
        "nmcli connection modify pvs-bridge-link ipv4.route-metric 1",
        "nmcli connection add type ethernet ifname eth0 con-name thief",
        "nmcli networking off", "nmcli radio wifi off", "nmcli general reload",
    ),
    "dhcpcd": ("dhcpcd --release eth0", "dhcpcd --exit", "dhcpcd --rebind eth0"),
    "the kernel": (
        "ip link set eth0 down", "ip route add default dev eth0",
        "ip address add 172.27.153.77/24 dev eth0", "nft flush ruleset", "nft list ruleset",
        "sysctl -w net.ipv4.ip_forward=1", "tc qdisc add dev eth0 root netem loss 100%",
    ),
    "the bridge": (
        "pvs-bridge rollback undo", "pvs-bridge rollback confirm", "pvs-bridge overlay lock",
        "pvs-bridge drain stop", "pvs-bridge ports '*:9002'", "pvs-bridge boot-config apply",
        "pvs-bridge monitor step renew pvs", "pvs-bridge monitor", "sudo -n true",
    ),
}  # fmt: skip
_VERBS = (
    "stop {}", "restart {}", "reload {}", "start {}", "kill {}", "disable {}", "mask {}",
    "set-property {} CPUWeight=1",
)  # fmt: skip


def units(pis: Pis) -> list[str]:
    """Return the units that only the bridge has."""
    ask = "systemctl list-unit-files --no-legend --no-pager | cut -d ' ' -f 1"
    bridge, plain = (set(pi.output("bridge", ask).split()) for pi in (pis.bridge, pis.plain))
    return sorted(each for each in bridge - plain if "@." not in each)


def passed(pis: Pis, user: User, commands: list[str]) -> list[str]:
    """Return the commands that a user runs with success on the bridge."""
    tries = [f"timeout 20 {each} > /dev/null 2>&1 && echo {shlex.quote(each)}" for each in commands]
    return user.run(pis.bridge.name, "sh", "-c", "\n".join([*tries, "true"])).stdout.splitlines()


@on_every_user
def test_no_user_controls_a_unit_of_the_bridge(pis: Pis, user: User) -> None:
    names = units(pis)
    assert {"haproxy.service", "pvs-bridge-firewall.service", "pvs-bridge-monitor.timer"} <= {
        *names
    }
    before = pis.bridge.state()
    started = {
        each: pis.bridge.output("bridge", f"systemctl show --property=InvocationID {each}")
        for each in names
        if "monitor.service" not in each
    }
    commands = [
        f"systemctl --no-ask-password {verb.format(name)}" for name in names for verb in _VERBS
    ]
    assert passed(pis, user, commands) == []
    assert pis.bridge.state() - before == {}
    for name, invocation in started.items():
        now = pis.bridge.output("bridge", f"systemctl show --property=InvocationID {name}")
        assert now == invocation, name


@on_every_user
@pytest.mark.parametrize("daemon", _CALLS)
def test_no_user_controls_a_daemon(pis: Pis, user: User, daemon: str) -> None:
    before = pis.bridge.state()
    assert passed(pis, user, list(_CALLS[daemon])) == []
    assert pis.bridge.state() - before == {}
    assert pis.bridge.run("bridge", "pvs-bridge health")[0] == 0
