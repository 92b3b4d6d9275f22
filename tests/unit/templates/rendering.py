"""What is rendered of the roles' templates, in one run of Ansible, for all tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from unit.templates.networks import NETWORKS

PROJECT = Path(__file__).resolve().parents[3]
_ROLES = PROJECT / "roles"
_PROFILES = "etc/NetworkManager/system-connections"

_STATIC_LINK = {"pvs_link_method": "static", "pvs_link_address": "172.27.153.7/24"}
STATIC_UPLINK = {
    "uplink_method": "static",
    "uplink_address": "192.168.20.20/24",
    "uplink_gateway": "192.168.20.1",
    "uplink_dns_servers": ["192.168.20.1", "2620:fe::fe", "9.9.9.9"],
}

# One within another, a single address, and one that IPv4 has no use for.
SOURCE_NETWORKS = ["192.168.0.0/16", "192.168.20.0/24", "10.1.2.3", "fd00::/8"]

# To everybody, to some by either family, and to one.
ALLOWED = [
    {"port": 9100},
    {"port": 123, "protocol": "udp", "sources": ["192.168.20.0/24", "10.1.2.3", "fd00::/8"]},
    {"port": 5432, "sources": ["192.168.20.7/32"]},
]

# The lookup is what the roles themselves write dhcpcd's blocks with; it renders as the module
# template does, without the second that each file would cost there. The module renders one file
# as well, so that a difference would be seen.
_PLAYBOOK = """
- hosts: localhost
  connection: local
  become: false
  gather_facts: false
  vars_files: [common.yml, pvs_link.yml, firewall.yml, sshd.yml, uplink.yml, proxy.yml,
               console_dns.yml, common_vars.yml, firewall_vars.yml, routing_vars.yml, cases.yml]
  vars:
    uplink_country: US
  tasks:
    - ansible.builtin.copy:
        content: |
          {% for case in cases %}
          {{ [case.name, lookup('ansible.builtin.template', case.template,
              template_vars=case.vars)] | to_json }}
          {% endfor %}
        dest: "{{ playbook_dir }}/rendered.jsonl"
        mode: "0600"
    - ansible.builtin.template:
        src: "{{ checked.template }}"
        dest: "{{ playbook_dir }}/checked"
        mode: "0600"
      vars:
        checked: "{{ cases | selectattr('name', 'equalto', checked_name) | first }}"
        network: "{{ checked.vars.network }}"
        number: "{{ checked.vars.number }}"
"""


class _Dumper(yaml.SafeDumper):
    """Tags text that could be a template as a person has to: it is none."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    tag = "!unsafe" if "{" in text else "tag:yaml.org,2002:str"
    return dumper.represent_scalar(tag, text, style='"')


_Dumper.add_representer(str, _represent_text)


def _cases() -> list[dict[str, Any]]:
    """Name every file to render: its template and the variables that are not defaults."""

    def case(name: str, role: str, template: str, **variables: Any) -> dict[str, Any]:  # noqa: ANN401
        path = _ROLES / role / "templates" / f"{template}.j2"
        return {"name": name, "template": str(path), "vars": variables}

    networks = [network.entry() for network in NETWORKS]
    return [
        *(
            case(f"wifi {number}", "uplink", f"{_PROFILES}/wifi.nmconnection",
                 network=network, number=number)
            for number, network in enumerate(networks)
        ),
        case("wifi static", "uplink", f"{_PROFILES}/wifi.nmconnection",
             network=networks[0], number=0, **STATIC_UPLINK),
        case("ethernet dhcp", "uplink", f"{_PROFILES}/ethernet.nmconnection"),
        case("ethernet static", "uplink", f"{_PROFILES}/ethernet.nmconnection", **STATIC_UPLINK),
        case("link dhcp", "pvs_link", f"{_PROFILES}/pvs-bridge-link.nmconnection"),
        case("link static", "pvs_link", f"{_PROFILES}/pvs-bridge-link.nmconnection",
             **_STATIC_LINK),
        case("wpa_supplicant", "uplink", "etc/wpa_supplicant/wpa_supplicant.conf",
             uplink_networks=networks),
        case("dhcpcd link dhcp", "pvs_link", "etc/dhcpcd.conf"),
        case("dhcpcd link static", "pvs_link", "etc/dhcpcd.conf", **_STATIC_LINK),
        case("dhcpcd uplink dhcp", "uplink", "etc/dhcpcd.conf"),
        case("dhcpcd uplink static", "uplink", "etc/dhcpcd.conf", **STATIC_UPLINK),
        case("sysctl", "pvs_link", "etc/sysctl.d/60-pvs-link.conf"),
        case("sysctl routed", "pvs_link", "etc/sysctl.d/60-pvs-link.conf", bridge_mode="both"),
        case("sysctl at home", "pvs_link", "etc/sysctl.d/60-pvs-link.conf", pvs_link_type="home"),
        case("firewall at home", "firewall", "etc/pvs-bridge/firewall.nft", pvs_link_type="home"),
        case("modprobe", "uplink", "etc/modprobe.d/uplink-country.conf"),
        case("avahi", "uplink", "etc/avahi/avahi-daemon.conf"),
        case("routing filter", "routing", "etc/pvs-bridge/routing.nft",
             proxy_source_networks=SOURCE_NETWORKS),
        case("routing unit", "routing", "etc/systemd/system/pvs-bridge-routing.service"),
        case("firewall", "firewall", "etc/pvs-bridge/firewall.nft"),
        case("firewall of everything", "firewall", "etc/pvs-bridge/firewall.nft",
             bridge_mode="both", console_dns_enabled=True, proxy_https="passthrough",
             proxy_sunvault_enabled=True, proxy_stats_network=True, ansible_port=2222,
             firewall_allow=ALLOWED),
        case("firewall routed", "firewall", "etc/pvs-bridge/firewall.nft",
             bridge_mode="routed", uplink_mdns=False, proxy_stats_network=True),
        case("firewall unit", "firewall", "etc/systemd/system/pvs-bridge-firewall.service"),
        case("sshd", "sshd", "etc/ssh/sshd_config.d/00-pvs-bridge.conf"),
        case("sshd with passwords", "sshd", "etc/ssh/sshd_config.d/00-pvs-bridge.conf",
             sshd_password_login=True, sshd_max_auth_tries=6),
        case("dnsmasq", "console_dns", "etc/dnsmasq.d/console-dns.conf"),
        case("dnsmasq routed", "console_dns", "etc/dnsmasq.d/console-dns.conf",
             bridge_mode="routed"),
    ]  # fmt: skip


def render(folder: Path, checked: str) -> dict[str, str]:
    """Render everything.

    Args:
        folder: an empty one, where Ansible works.
        checked: the file that the module template renders too.

    Returns:
        each file's text by its name; an empty one where the two ways differ.
    """
    for role in ("common", "pvs_link", "firewall", "sshd", "uplink", "proxy", "console_dns"):
        defaults = (_ROLES / role / "defaults/main.yml").read_text()
        (folder / f"{role}.yml").write_text(defaults)
    for role in ("common", "firewall", "routing"):
        constants = (_ROLES / role / "vars/main.yml").read_text()
        (folder / f"{role}_vars.yml").write_text(constants)
    cases = yaml.dump({"cases": _cases(), "checked_name": checked}, Dumper=_Dumper)
    (folder / "cases.yml").write_text(cases)
    (folder / "play.yml").write_text(_PLAYBOOK)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "play.yml"],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "HOME": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"ansible-playbook: {done.stdout[-8000:]}{done.stderr[-4000:]}")
    lines = (folder / "rendered.jsonl").read_text().split("\n")
    rendered: dict[str, str] = dict(json.loads(line) for line in lines if line)
    rendered["by the module"] = (folder / "checked").read_text()
    return rendered
