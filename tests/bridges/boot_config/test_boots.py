"""A card applies the files on its boot partition at each boot."""

from __future__ import annotations

import re
import time

import pytest
from bridges.boot_config.card import Card

from pvs_lab import lifecycle
from pvs_lab.playbook import changed_tasks

# wlan0 is a cable in this lab.
_BY_CABLE = {"uplink_type": "ethernet", "uplink_interface": "wlan0", "uplink_hostname": "bridge"}
_CONFIGURATION = "".join(f"{name}: {value}\n" for name, value in _BY_CABLE.items())
_USERS = "proxy_users:\n  anna: '{}' # hers\n"
_HASH = "$5$WYlhPuMH0HgfQH9N$oDYtQXgSQ7EHpcZ1zMRtw3gQ0SLBWDA2RVYjvXXlXV4"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxR0zYpNpVr0Tm6l5pZr0zYpNpVr0Tm6l5pZr0zYpNp a@b"
_STORED = "stored on the Pi"
_WORKS = "The bridge works."

# As Raspberry Pi Imager 2 writes it.
_NETWORK_CONFIG = """network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      dhcp6: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "GB"
      access-points:
        "Sunnyside":
          password: "{psk}"
      optional: true
"""
_PSK = "0123456789abcdef" * 4


def test_a_card_without_a_configuration_says_what_to_do(card: Card) -> None:
    assert card.boot().startswith(
        "The bridge has no home network yet. Hint: copy pvs-bridge.example.yml"
    )
    assert card.plays() == 0
    assert card.addresses() == []


@pytest.mark.core
def test_a_configured_card_is_a_bridge_at_its_first_boot(card: Card) -> None:
    # Edited on Windows, whose editor added .txt.
    text = "\ufeff# garage\n" + _CONFIGURATION + "health_required: false\n"
    card.put("PVS-Bridge.yml.txt", text.replace("\n", "\r\n"))
    card.put("userconf.txt", f"anna:{_HASH}\n")
    card.put("authorized_keys", f"{_KEY}\n")
    report = card.boot()
    assert report.startswith(_WORKS)
    assert "ssh anna@bridge.local" in report
    assert card.output("bridge", "cat ~anna/.ssh/authorized_keys") == f"{_KEY}\n"
    assert card.output("bridge", "sudo -u anna sudo -n id -u") == "0\n"
    assert "passwordauthentication no" in card.output("bridge", "sshd -T")
    assert "userconf.txt" not in card.files()
    assert '"result": "succeed"' in card.home_asks()
    # The PVS offers a route and a name server.
    assert "dev eth0" not in card.output("bridge", "ip route show default")
    assert "172.27.153.1" not in card.output("bridge", "cat /etc/resolv.conf")

    # Provisioning with the same configuration changes nothing.
    assert card.provision_by_name({**_BY_CABLE, "health_required": False}) == []

    # An older copy of the project on the card is renewed, so that an edit does not run old roles.
    roles = "/usr/local/share/pvs-bridge/roles"
    card.output("bridge", f"echo '# old' >> {roles}/proxy/tasks/main.yml; touch {roles}/old.yml")
    assert card.provision_by_name({**_BY_CABLE, "health_required": False}) == [
        "agent : Renew the copy of the project on the card"
    ]
    assert card.output("bridge", f"grep -c '# old' {roles}/proxy/tasks/main.yml || true") == "0\n"
    assert card.run("bridge", f"ls {roles}/old.yml")[0] != 0
    assert card.provision_by_name({**_BY_CABLE, "health_required": False}) == []

    report = card.boot()
    assert report.startswith(_WORKS)
    assert card.plays() == 0


@pytest.mark.core
def test_the_form_of_imager_is_connected_before_the_playbook_runs(card: Card) -> None:
    card.put("network-config", _NETWORK_CONFIG.format(psk=_PSK))
    card.put("user-data", "#cloud-config\nhostname: roof\n")
    # The container has no radio.
    assert "could not join the Wi-Fi" in card.boot()
    assert card.plays() == 0
    journal = "journalctl --boot --no-pager --output=cat -u pvs-bridge-boot-config-report"
    said = card.output("bridge", journal)
    assert said.count("PLAY RECAP") == 1
    # The playbook finds the files of the connection as it would write them.
    changed = changed_tasks(said)
    assert "proxy : Configure haproxy" in changed
    assert not [each for each in changed if each.startswith("uplink") and "guard" not in each]
    profile = "/etc/NetworkManager/system-connections/pvs-bridge-uplink-0.nmconnection"
    assert _PSK in card.output("bridge", f"cat {profile}")
    assert card.output("bridge", "hostname") == "roof\n"
    haproxy = "journalctl --boot --no-pager -u haproxy"
    assert "Reloaded haproxy.service" in card.output("bridge", haproxy)

    card.boot()
    assert card.plays() == 0
    assert "PLAY RECAP" not in card.output("bridge", journal)


def test_rejected_settings_are_reported_with_their_line(card: Card) -> None:
    card.put("network-config", _NETWORK_CONFIG.format(psk=_PSK))
    card.put("user-data", "#cloud-config\nhostname: roof\n")
    card.put(
        "pvs-bridge.yml",
        f"{_CONFIGURATION}proxy_htp_port: 80\nproxy_http_port: 99999\nproxy_cache_seconds: 60\n"
        "uplink_country: UK\n",
    )
    report = card.boot()
    assert report.startswith(f"{_WORKS} 2 settings on the boot partition could not be used")
    file = "pvs-bridge.yml line"
    assert f"{file} 4: proxy_htp_port: unknown variable. Hint: did you mean proxy_http" in report
    assert re.search(rf"{file} 5: proxy_http_port: [^:]*99999[^:]*Hint: ", report)
    assert f"{file} 7: uplink_country: 'UK' was read as GB. Hint: write GB" in report
    assert f"user-data line 2: uplink_hostname is not used, because {file} 3" in report
    # The valid settings are applied.
    assert "60" in card.output("bridge", "grep max-age /etc/haproxy/haproxy.cfg")
    # The Pi has stored the content of Imager's network-config.
    assert "network-config" not in card.files()
    assert _PSK in card.output("bridge", "cat /etc/pvs-bridge/boot-config/inventory.yml")


def test_an_edit_that_is_lost_or_invalid_changes_nothing(card: Card) -> None:
    card.put("pvs-bridge.yml", _CONFIGURATION)
    card.boot()
    card.put("pvs-bridge.yml", f"{_CONFIGURATION}proxy_users: anna: x\n")
    report = card.boot()
    assert report.startswith(f"{_WORKS} 1 setting on the boot partition could not be used")
    assert "pvs-bridge.yml line 4: column 18 is not valid YAML" in report
    assert card.plays() == 0
    # A power cut while a computer wrote it.
    card.put("pvs-bridge.yml", "")
    report = card.boot()
    assert report.startswith(f"{_WORKS} 1 setting on the boot partition could not be used")
    assert "pvs-bridge.yml: is empty" in report
    assert card.plays() == 0


def test_a_secret_is_removed_from_the_boot_partition_and_stays_active(card: Card) -> None:
    card.put("pvs-bridge.yml", _CONFIGURATION + _USERS.format(_HASH))
    card.boot()
    assert card.get("pvs-bridge.yml") == (_CONFIGURATION + _USERS.replace("'{}'", _STORED))
    assert "401" in card.run("client", "curl -sI http://192.168.20.20/cgi-bin/dl_cgi")[1]

    # Another edit keeps it.
    card.put("pvs-bridge.yml", card.get("pvs-bridge.yml") + "proxy_http_port: 8081\n")
    card.boot()
    assert _HASH in card.output("bridge", "cat /etc/haproxy/haproxy.cfg")
    assert "401" in card.run("client", "curl -sI http://192.168.20.20:8081/cgi-bin/dl_cgi")[1]
    assert _HASH not in "".join(card.get(name) for name in card.files())


def test_an_edit_with_a_missing_network_is_undone(card: Card) -> None:
    card.put("pvs-bridge.yml", _CONFIGURATION)
    card.boot()
    wrong = (
        "uplink_method: static\nuplink_address: 192.168.99.21/24\nuplink_gateway: 192.168.99.1\n"
        "uplink_dns_servers: [192.168.99.1]\n"
    )
    card.put("pvs-bridge.yml", _CONFIGURATION + wrong + _USERS.format(_HASH))
    lifecycle.command(card.name, "power-off")
    lifecycle.command(card.name, "power-on")
    assert card.until(lambda: "pvs-bridge.rejected.yml" in card.files(), 90)
    # The Pi restarts by itself.
    assert card.until(
        lambda: "the configuration was edited" in card.get("pvs-bridge-report.txt"), 90
    )
    report = card.report()
    assert report.startswith(_WORKS)
    assert "the configuration was edited, but the home network was not reached" in report
    assert "pvs-bridge.yml" not in card.files()
    assert card.get("pvs-bridge.rejected.yml") == (
        _CONFIGURATION + wrong + _USERS.replace("'{}'", _STORED)
    )


@pytest.mark.parametrize("seconds", [0.4, 1.5])
def test_a_configuration_interrupted_by_a_power_cut_is_applied_at_the_next_boot(
    card: Card, seconds: float
) -> None:
    card.put("pvs-bridge.yml", f"{_CONFIGURATION}proxy_http_port: 8081\n")
    lifecycle.command(card.name, "power-off")
    lifecycle.command(card.name, "power-on")
    running = "pgrep --full 'ansible/site.ym[l]'"
    assert card.until(lambda: card.run("bridge", running)[0] == 0, 60)
    time.sleep(seconds)
    lifecycle.command(card.name, "power-off")
    assert card.start().startswith(_WORKS)
    assert '"result": "succeed"' in card.home_asks(8081)
    assert card.plays() == 1
