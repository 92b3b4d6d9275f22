"""The programs of a Pi with dhcpcd read their files: dhcpcd, wpa_supplicant, and small ones."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

import pytest
from unit.templates import readers
from unit.templates.networks import NETWORKS, Network
from unit.templates.pis import Pi

from ansible_collections.pvs_bridge.core.plugins.plugin_utils import wifi
from pvs_lab.process import wait_until

pytestmark = pytest.mark.needs_system

on_every_pi = pytest.mark.parametrize(
    "pi",
    [("bookworm", "dhcpcd"), ("trixie", "dhcpcd")],
    indirect=True,
    ids=lambda chosen: "-".join(chosen),
)

# Reads the file, then writes all that it has understood back, secrets included. No network is
# joined: the driver is the one for cables. Bullseye's leaves out a network that has nothing but
# an SAE password, so each of those is given a key of zeros first.
SPARE_KEY = "0" * 64
WPA_SUPPLICANT = """
wpa_supplicant -B -D wired -i lo -c /run/wifi/wpa.conf -P /run/wifi/pid || exit 1
for number in {wpa3}; do wpa_cli -i lo set_network $number psk {key}; done
wpa_cli -i lo set update_config 1 && wpa_cli -i lo save_config; status=$?
wpa_cli -i lo terminate
exit $status
"""


# What the firewall opens towards the home, beside what a network needs.
OPENED = {
    "firewall": {"tcp 22", "tcp { 80, 443, 9002 }", "udp 5353"},
    "firewall at home": {"tcp 22", "tcp { 80, 443, 9002 }", "udp 5353"},
    "firewall of everything": {
        "tcp { 22, 2222 }", "tcp { 80, 443, 502, 503, 8080, 8171, 9002 }", "th 53", "udp 5353",
        "tcp 9100", "udp 123 of ip { 10.1.2.3, 192.168.20.0/24 }", "udp 123 of ip6 fd00::/8",
        "tcp 5432 of ip 192.168.20.7",
    },
    "firewall routed": {"tcp 22"},
}  # fmt: skip

# Algorithms: ssh-audit.com's hardening guides for Debian 12, and algorithms that are newer.
BASELINE = {
    "kexalgorithms": {
        "curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512", "diffie-hellman-group-exchange-sha256",
        "mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
    },
    "ciphers": {
        "chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com",
        "aes256-ctr", "aes192-ctr", "aes128-ctr",
    },
    "macs": {
        "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
        "umac-128-etm@openssh.com",
    },
}  # fmt: skip
# Settings: controls/sshd_spec.rb of dev-sec/ssh-baseline, but for what the role's README excepts.
SETTINGS = {
    "allowagentforwarding": "no",
    "allowtcpforwarding": "local",
    "clientalivecountmax": "3",
    "clientaliveinterval": "300",
    "gatewayports": "no",
    "hostbasedauthentication": "no",
    "ignorerhosts": "yes",
    "logingracetime": "30",
    "maxauthtries": "4",
    "maxsessions": "10",
    "passwordauthentication": "no",
    "permitemptypasswords": "no",
    "permitrootlogin": "without-password",
    "permittunnel": "no",
    "permituserenvironment": "no",
    "pubkeyauthentication": "yes",
    "strictmodes": "yes",
    "tcpkeepalive": "no",
    "x11forwarding": "no",
}


def opened_ports(loaded: str) -> list[str]:
    """Read what a loaded firewall opens towards the home."""
    (chain,) = re.findall(r"chain from_home \{(.*?)\n\t\}", loaded, re.DOTALL)
    found = re.findall(
        r"^\t\t(?:(ip6?) saddr (\{.*?\}|\S+) )?(?:meta l4proto \S+ \S+ \S+ \S+ )?"
        r"(tcp|udp|th) dport (.+?) (?:jump|accept)", chain, re.MULTILINE,
    )  # fmt: skip
    # Older ones keep the braces of a single one.
    return [
        re.sub(
            r"\{ ([^ ]+) \}",
            r"\1",
            f"{protocol} {port}{f' of {family} {sources}' if family else ''}",
        )
        for family, sources, protocol, port in found
    ]


def read_back(pi: Pi, file: str, networks: Sequence[Network] = ()) -> tuple[int, str]:
    """Have wpa_supplicant read a file and write it again; return its status and output."""
    pi.put({"/run/wifi/wpa.conf": file})
    wpa3 = [str(i) for i, network in enumerate(networks) if network.security == "wpa3"]
    return pi.attempt(WPA_SUPPLICANT.format(wpa3=" ".join(wpa3), key=SPARE_KEY))


def expected(network: Network) -> dict[str, object]:
    """Say what wpa_supplicant has to read of a network."""
    security = network.security or "wpa2"
    sae = network.passphrase if security in ("wpa3", "wpa2-wpa3") else None
    key = network.psk.lower() if network.psk else None
    if network.passphrase:
        key = SPARE_KEY if security == "wpa3" else wifi.psk(network.passphrase, network.ssid)
    management = {
        ("open", False): {"NONE"},
        ("wpa2", False): {"WPA-PSK"},
        ("wpa3", True): {"SAE"},
        ("wpa2-wpa3", True): {"WPA-PSK", "SAE"},
        # SAE cannot work from a key, and would be tried before WPA-PSK.
        ("wpa2-wpa3", False): {"WPA-PSK"},
    }
    return {
        "ssid": network.ssid.encode(),
        "psk": key,
        "sae_password": sae.encode() if sae else None,
        "key_mgmt": management[security, sae is not None],
        "ieee80211w": None if sae is None else {"wpa3": "2", "wpa2-wpa3": "1"}[security],
        "priority": network.priority or 0,
        "scan_ssid": int(network.hidden or False),
    }


def seen(block: dict[str, str]) -> dict[str, object]:
    """Pick the same from what it has written."""
    sae = block.get("sae_password")
    return {
        "ssid": readers.wpa_string(block["ssid"]),
        "psk": block.get("psk"),
        "sae_password": None if sae is None else readers.wpa_string(sae),
        "key_mgmt": set(block.get("key_mgmt", "WPA-PSK WPA-EAP").split()),
        "ieee80211w": block.get("ieee80211w"),
        "priority": int(block.get("priority", 0)),
        "scan_ssid": int(block.get("scan_ssid", 0)),
    }


@on_every_pi
def test_wpa_supplicant_reads_every_name_and_secret_as_it_was_given(
    pi: Pi, rendered: dict[str, str]
) -> None:
    file = rendered["wpa_supplicant"]
    status, printed = read_back(pi, file, NETWORKS)
    assert status == 0, f"{pi.release}: {printed}\n{file}"
    assert not re.search(r"Line \d+|[Ii]nvalid|[Uu]nknown|FAIL", printed), printed

    saved = pi.run("cat /run/wifi/wpa.conf")
    assert "\ncountry=US\n" in saved
    assert "\nctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev\n" in f"\n{saved}"
    blocks = list(readers.wpa_networks(saved))
    assert len(blocks) == len(NETWORKS), saved
    for network, block in zip(NETWORKS, blocks, strict=True):
        assert seen(block) == expected(network), f"{pi.release}: {network}\n{block}"


@on_every_pi
def test_wpa_supplicant_would_complain_of_a_wrong_line(pi: Pi) -> None:
    status, printed = read_back(pi, 'network={\n    ssid="home\n}\n')
    assert status != 0
    assert "Line 2" in printed


# All at once, each with a /run of its own, where no PID file of another is in the way. The name of
# a file ends with the interface that it is for.
ASK_DHCPCD = """
for file in /root/wifi/*.conf; do
    unshare --mount sh -c '
        mount -t tmpfs none /run
        exec timeout 30 dhcpcd --test --ipv4only --config "$0" "$1"
    ' "$file" "$(basename "${file##* }" .conf)" > "${file%.conf}.out" 2>&1 &
done
wait
"""


def ask_dhcpcd(pi: Pi, files: dict[str, str]) -> dict[str, str]:
    """Have dhcpcd read each file for its interface and try it; what it prints, by the file.

    Args:
        pi: where.
        files: text to add to the Pi's own dhcpcd.conf, by a name that ends with the interface.
    """
    stock = pi.run("cat /etc/dhcpcd.conf")
    pi.put({f"/root/wifi/{name}.conf": f"{stock}\n{text}" for name, text in files.items()})
    pi.run(ASK_DHCPCD)
    return {name: pi.run(f"cat '/root/wifi/{name}.out'") for name in files}


def bad_lines(printed: str) -> list[str]:
    """Pick what dhcpcd does not like."""
    wrong = r"unknown|invalid|missing|malformed|error|failed|cannot|timed out|exists|no such"
    lines = [line for line in printed.splitlines() if not re.match(r"(new|old)_\w+=", line)]
    return [line for line in lines if re.search(wrong, line, re.IGNORECASE)]


@on_every_pi
def test_dhcpcd_takes_every_line_and_nothing_from_the_pvs_but_an_address(
    pi: Pi, rendered: dict[str, str]
) -> None:
    dynamic = rendered["dhcpcd link dhcp"] + "\n" + rendered["dhcpcd uplink dhcp"]
    fixed = rendered["dhcpcd link static"] + "\n" + rendered["dhcpcd uplink static"]
    files = {
        **{f"{kind} eth0": text for kind, text in (("dhcp", dynamic), ("static", fixed))},
        **{f"{kind} wlan0": text for kind, text in (("dhcp", dynamic), ("static", fixed))},
        "wrong eth0": dynamic.replace("nogateway", "nogatewax"),
    }
    answers = ask_dhcpcd(pi, files)
    for name, printed in answers.items():
        found = bad_lines(printed)
        if name == "wrong eth0":
            assert "nogatewax" in "".join(found), printed
        else:
            assert found == [], f"{pi.release}: {name}\n{printed}\n{files[name]}"

    def lease(name: str) -> dict[str, str]:
        return dict(re.findall(r"^new_(\w+)='?([^'\n]*)'?$", answers[name], re.MULTILINE))

    assert lease("dhcp eth0")["ip_address"].startswith("172.27.153."), answers["dhcp eth0"]
    unwanted = re.compile(r"route|domain|host_name|ntp")
    for name in ("dhcp eth0", "static eth0"):
        assert [key for key in lease(name) if unwanted.search(key)] == [], answers[name]
    assert lease("static eth0")["ip_address"] == "172.27.153.7"
    assert lease("dhcp wlan0")["routers"] == "192.168.20.1"
    static = lease("static wlan0")
    assert static["ip_address"] == "192.168.20.20"
    assert static["routers"] == "192.168.20.1"
    assert static["domain_name_servers"] == "192.168.20.1 2620:fe::fe 9.9.9.9"


@on_every_pi
def test_the_kernel_has_every_setting_of_the_sysctl_file(pi: Pi, rendered: dict[str, str]) -> None:
    file = rendered["sysctl"]
    wanted = dict(re.findall(r"^-?(net\S+) = (\d+)$", file, re.MULTILINE))
    lines = [line for line in file.splitlines() if line and not line.startswith("#")]
    assert len(wanted) == len(lines), file
    pi.put({"/run/wifi/sysctl.conf": file})
    assert pi.run("/lib/systemd/systemd-sysctl /run/wifi/sysctl.conf") == "", file
    for name, value in wanted.items():
        assert pi.run(f"cat /proc/sys/{name}").strip() == value, name
    # An interface may be missing at boot; that must not stop the other lines.
    assert [line for line in lines if "/eth0/" in line and not line.startswith("-")] == []


@on_every_pi
def test_avahi_knows_every_key_and_stays_on_the_uplink(pi: Pi, rendered: dict[str, str]) -> None:
    file = rendered["avahi"]
    cursor = pi.cursor()
    pi.put({"/etc/avahi/avahi-daemon.conf": file})
    status, printed = pi.attempt("chmod 644 /etc/avahi/*.conf; systemctl restart avahi-daemon")
    # It reports its start before it joins.
    wait_until(lambda: "Joining" in pi.journal("avahi-daemon", cursor), 10)
    journal = pi.journal("avahi-daemon", cursor)
    assert status == 0, f"{printed}{journal}\n{file}"
    assert not re.search(r"Invalid|[Ff]ailed|Missing", journal), f"{journal}\n{file}"
    joined = re.findall(r"Joining mDNS multicast group on interface (\w+)\.(IPv\d)", journal)
    assert set(joined) == {("wlan0", "IPv4")}, journal


@on_every_pi
def test_modprobe_reads_the_country(pi: Pi, rendered: dict[str, str]) -> None:
    pi.put({"/run/wifi/modprobe/country.conf": rendered["modprobe"]})
    options = pi.run("modprobe --showconfig --config /run/wifi/modprobe").splitlines()
    assert "options cfg80211 ieee80211_regdom=US" in options, rendered["modprobe"]


@on_every_pi
def test_nft_and_systemd_take_the_way_to_the_pvs(pi: Pi, rendered: dict[str, str]) -> None:
    file, unit = rendered["routing filter"], rendered["routing unit"]
    pi.put({
        "/run/wifi/routing.nft": file,
        "/etc/systemd/system/pvs-bridge-routing.service": unit,
    })  # fmt: skip
    pi.run("apt-get --quiet update && apt-get --quiet --yes install nftables")
    assert pi.run("nft --check --file /run/wifi/routing.nft") == "", file
    # Twice: the second time the table is there already.
    pi.run("nft --file /run/wifi/routing.nft && nft --file /run/wifi/routing.nft")
    loaded = pi.run("nft list table inet pvs_bridge_routing && nft flush ruleset")
    assert loaded.count("policy drop") == 1, loaded
    accepted = re.findall(r"ip saddr (\S+) accept", loaded)
    assert accepted == ["192.168.0.0/16", "192.168.20.0/24", "10.1.2.3"], loaded
    assert pi.run("systemd-analyze verify pvs-bridge-routing.service") == "", unit


@on_every_pi
def test_nft_and_systemd_take_the_firewall(pi: Pi, rendered: dict[str, str]) -> None:
    pi.run("apt-get --quiet update && apt-get --quiet --yes install nftables haproxy")
    for name in ("firewall", "firewall at home", "firewall of everything", "firewall routed"):
        pi.put({"/run/wifi/firewall.nft": rendered[name]})
        assert pi.run("nft --check --file /run/wifi/firewall.nft") == "", rendered[name]
        # Twice: the second time the table is there already.
        pi.run("nft --file /run/wifi/firewall.nft && nft --file /run/wifi/firewall.nft")
        loaded = pi.run("nft list table inet pvs_bridge_firewall && nft flush ruleset")
        assert set(opened_ports(loaded)) == OPENED[name], loaded
        assert ("hook forward" in loaded) == (name == "firewall"), loaded
    unit = rendered["firewall unit"]
    pi.put({"/etc/systemd/system/pvs-bridge-firewall.service": unit})
    assert pi.run("systemd-analyze verify pvs-bridge-firewall.service") == "", unit


@on_every_pi
def test_sshd_has_nothing_that_the_baselines_refuse(pi: Pi, rendered: dict[str, str]) -> None:
    pi.put({"/etc/ssh/sshd_config.d/00-pvs-bridge.conf": rendered["sshd"]})
    said = pi.run("sshd -T")
    found = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    for name, allowed in BASELINE.items():
        assert set(found[name].split(",")) <= allowed, said
    assert {name: found[name] for name in SETTINGS} == SETTINGS, said


@on_every_pi
def test_passwords_are_asked_for_where_they_are_wanted(pi: Pi, rendered: dict[str, str]) -> None:
    pi.put({"/etc/ssh/sshd_config.d/00-pvs-bridge.conf": rendered["sshd with passwords"]})
    said = pi.run("sshd -T")
    assert {"passwordauthentication yes", "maxauthtries 6"} <= set(said.splitlines()), said


def test_a_bridge_that_routes_leaves_forwarding_to_the_one_that_filters(
    rendered: dict[str, str],
) -> None:
    assert "ip_forward" in rendered["sysctl"]
    assert "ip_forward" not in rendered["sysctl routed"]


@pytest.mark.parametrize("file", ["dnsmasq", "dnsmasq routed"])
def test_dnsmasq_takes_the_console_s_names(rendered: dict[str, str], file: str) -> None:
    # The lab has dnsmasq on this machine; a Pi gets it by the role, which tests the file too.
    done = subprocess.run(
        ["dnsmasq", "--test", "--conf-file=-"],
        input=rendered[file], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr}\n{rendered[file]}"
