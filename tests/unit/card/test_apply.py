"""A card is applied as far as it is right; the project's own preflight is the judge."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.card.conftest import PROJECT, preflight

from pvs_bridge.boot_config import apply, login, overlay, playbook
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.playbook import Outcome
from pvs_bridge.boot_config.store import Store

_CABLE = "uplink_type: ethernet\nuplink_interface: wlan0\n"
_WIFI = "uplink_country: US\nuplink_networks:\n  - ssid: Sunnyside\n    passphrase: 12345678\n"
_PSK = "0123456789abcdef" * 4
_WPA = f'country=DE\nnetwork={{\n  ssid="Old way"\n  psk={_PSK}\n}}\n'


class Pi:
    """A Pi that reads its card; what it was told to become, boot by boot."""

    def __init__(self, partition: BootPartition, store: Store) -> None:
        """Begin with an empty card."""
        self.partition, self.store = partition, store
        self.runs: list[tuple[dict[str, Any], list[str]]] = []
        self.fails = ""

    def put(self, name: str, text: str) -> None:
        """Edit the card."""
        (self.partition.folder / name).write_text(text)

    def boot(self) -> bool:
        """Apply the card."""
        return apply.apply(self.partition, self.store, PROJECT, self._play)

    def _play(self, inventory: Path, tags: Iterable[str], project: Path) -> Outcome:
        outcome = preflight(inventory, tags, project)
        (host,) = yaml.load(inventory.read_text(), _Unsafe)["pvs_bridges"]["hosts"].values()  # noqa: S506 - a SafeLoader
        variables = {name: each for name, each in host.items() if not name.startswith("ansible_")}
        if outcome.done and self.fails in variables:
            return Outcome(False, failure="uplink : Install packages: no network")
        if outcome.done:
            self.runs.append((variables, sorted(tags)))
        return outcome

    @property
    def left_out(self) -> list[str]:
        """What the report will tell."""
        outcome = self.store.read("outcome")
        return [*outcome["mistakes"], *outcome["left_out"]]

    @property
    def notes(self) -> str:
        """What the report will tell beside."""
        return "\n".join(self.store.read("outcome")["notes"])


class _Unsafe(yaml.SafeLoader):
    """Reads an inventory with Ansible's tag."""


def _text(_: _Unsafe, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Unsafe.add_constructor("!unsafe", _text)


@pytest.fixture
def pi(partition: BootPartition, store: Store) -> Pi:
    """A Pi with a card."""
    return Pi(partition, store)


def test_an_empty_card_is_what_the_image_is(pi: Pi) -> None:
    assert not pi.boot()
    assert pi.runs == []


def test_the_same_card_is_applied_once(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _WIFI)
    assert pi.boot()
    assert not pi.boot()
    # A file that is gone says what it said before.
    (pi.partition.folder / "pvs-bridge.yml").unlink()
    assert not pi.boot()
    ((variables, tags),) = pi.runs
    networks = [{"ssid": "Sunnyside", "passphrase": "12345678"}]
    assert variables == {"uplink_country": "US", "uplink_networks": networks}
    # The Pi looks after its way home too, which it had not before.
    assert tags == ["care", "uplink"]


def test_another_version_of_the_project_is_applied_whole(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _CABLE)
    pi.boot()
    pi.store.write("applied", {**pi.store.read("applied"), "version": "0.0.1", "digest": ""})
    pi.boot()
    assert pi.runs[1][1] == []


def test_each_file_overrules_the_ones_before_it(pi: Pi) -> None:
    network = (
        "network:\n  wifis:\n    wlan0:\n      regulatory-domain: GB\n      access-points:\n"
        f"        Imager: {{password: {_PSK}}}\n"
    )
    pi.put("network-config", network)
    pi.put("user-data", "hostname: roof\n")
    pi.boot()
    pi.put("wpa_supplicant.conf", _WPA)
    pi.boot()
    pi.put("pvs-bridge.yml", "uplink_country: US\n")
    pi.boot()
    found = [
        (run["uplink_networks"][0]["ssid"], run["uplink_country"], run["uplink_hostname"])
        for run, _ in pi.runs
    ]
    assert found == [
        ("Imager", "GB", "roof"),
        ("Old way", "DE", "roof"),
        ("Old way", "US", "roof"),
    ]
    assert (
        "wpa_supplicant.conf line 1: uplink_country does not count, because pvs-bridge.yml line 1 "
        "says otherwise"
    ) in pi.notes


def test_what_is_wrong_is_left_out_and_the_rest_is_applied(pi: Pi) -> None:
    pi.put("wpa_supplicant.conf", _WPA)
    pi.put(
        "pvs-bridge.yml",
        "proxy_http_port: 99999\nproxy_cache_seconds: 60\nwifi_password: x\nuplink_networks:\n"
        "  - ssid: One\n    passphrase: short\n  - ssid: Two\n    passphrase: long enough\n",
    )
    pi.boot()
    ((variables, _),) = pi.runs
    assert variables == {
        "uplink_country": "DE",
        "proxy_cache_seconds": 60,
        "uplink_networks": [{"ssid": "Two", "passphrase": "long enough"}],
    }
    unknown, port, passphrase = pi.left_out
    assert unknown.startswith("pvs-bridge.yml line 3: wifi_password: is no variable. Hint: ")
    assert port.startswith("pvs-bridge.yml line 1: proxy_http_port: 99999 is no port. Hint: ")
    assert passphrase.startswith("pvs-bridge.yml line 6: uplink_networks[0].passphrase: ")


def test_a_list_of_which_nothing_is_right_gives_way_to_the_file_before(pi: Pi) -> None:
    pi.put("wpa_supplicant.conf", _WPA)
    pi.put("pvs-bridge.yml", "uplink_networks:\n  - ssid: One\n    passphrase: short\n")
    pi.boot()
    assert pi.runs[0][0]["uplink_networks"] == [{"ssid": "Old way", "psk": _PSK}]


def test_what_lacks_something_is_left_out_whole(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", f"{_CABLE}uplink_method: static\nproxy_cache_seconds: 60\n")
    pi.boot()
    assert pi.runs[0][0] == {**yaml.safe_load(_CABLE), "proxy_cache_seconds": 60}
    assert "uplink_address" in "\n".join(pi.left_out)


def test_where_something_else_fails_the_way_home_is_applied_alone(pi: Pi) -> None:
    pi.fails = "console_dns_enabled"
    pi.put("pvs-bridge.yml", f"{_CABLE}console_dns_enabled: true\n")
    pi.boot()
    assert pi.runs[0][0] == yaml.safe_load(_CABLE)
    assert pi.left_out == ["uplink : Install packages: no network"]


def test_what_was_half_done_at_a_power_cut_is_done_whole(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", f"{_CABLE}proxy_cache_seconds: 60\n")
    pi.boot()
    applied = pi.store.read("applied")
    pi.put("pvs-bridge.yml", f"{_CABLE}compat_password: x\n")
    pi.boot()
    # The plug was pulled while site.yml ran: only what was there before it is known.
    pi.store.write("applied", {"variables": applied["variables"], "pending": ["compat_password"]})
    pi.put("pvs-bridge.yml", f"{_CABLE}proxy_cache_seconds: 60\n")
    assert pi.boot()
    assert pi.runs[2][1] == ["compat"]


@pytest.mark.parametrize(
    ("cmdline", "country", "source"),
    [
        ("cfg80211.ieee80211_regdom=GB", "GB", "GB was taken from cmdline.txt"),
        ("", "00", "the channels that are allowed everywhere are used"),
    ],
)
def test_a_card_without_a_country_joins_all_the_same(
    pi: Pi, cmdline: str, country: str, source: str
) -> None:
    pi.put("cmdline.txt", cmdline)
    pi.put("wpa_supplicant.conf", _WPA.replace("country=DE\n", ""))
    pi.boot()
    assert pi.runs[0][0]["uplink_country"] == country
    assert source in pi.notes
    # A kernel update wipes the firmware's command line.
    pi.put("cmdline.txt", "")
    assert not pi.boot()
    assert pi.left_out == []


def test_what_is_to_be_text_is_text_without_quotes(pi: Pi) -> None:
    pi.put(
        "pvs-bridge.yml",
        "uplink_country: NO\nuplink_networks:\n  - ssid: 007\n    passphrase: 01234567\n"
        "    hidden: yes\ncompat_mode: on\nproxy_cache_seconds: 60\n",
    )
    pi.boot()
    assert pi.left_out == []
    assert pi.runs[0][0] == {
        "uplink_country": "NO",
        "uplink_networks": [{"ssid": "007", "passphrase": "01234567", "hidden": True}],
        "compat_mode": "on",
        "proxy_cache_seconds": 60,
    }


def test_values_are_no_templates(pi: Pi) -> None:
    network = {"ssid": "{{ 7 * 7 }}", "passphrase": "{% x %}{{ y }}"}
    pi.put("pvs-bridge.yml", yaml.safe_dump({"uplink_country": "US", "uplink_networks": [network]}))
    pi.boot()
    assert pi.left_out == []
    assert pi.runs[0][0]["uplink_networks"] == [network]


def test_a_full_card_changes_nothing_and_says_so(pi: Pi) -> None:
    pi.store.folder.parent.joinpath("card").write_text("no folder can be made here")
    pi.put("pvs-bridge.yml", _CABLE)
    with pytest.raises(OSError, match="exists"):
        pi.boot()
    assert pi.runs == []


def test_what_ansible_prints_of_another_failure_is_told() -> None:
    result = json.dumps({"changed": False, "msg": "no\nroom"})
    said = (
        f"TASK [proxy : Configure haproxy] ***\nfatal: [x]: FAILED! => {result}\nPLAY RECAP ***\n"
    )
    assert playbook.failure(said) == Outcome(False, [], "proxy : Configure haproxy: no room")
    assert playbook.failure("ERROR! no such file\n").failure == "ERROR! no such file"


def test_whether_a_card_would_change_something_is_known_without_changing_it(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _CABLE)
    assert apply.is_due(pi.partition, pi.store, PROJECT)
    assert not pi.store.folder.exists()
    pi.boot()
    before = {file.name: file.read_bytes() for file in pi.store.folder.iterdir()}
    assert not apply.is_due(pi.partition, pi.store, PROJECT)
    pi.put("pvs-bridge.yml", f"{_CABLE}uplink_hostname: barn\n")
    assert apply.is_due(pi.partition, pi.store, PROJECT)
    assert {file.name: file.read_bytes() for file in pi.store.folder.iterdir()} == before


def test_a_user_that_the_card_names_is_not_made_to_know_that(
    pi: Pi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "provide", lambda _: pytest.fail("the user was made"))
    pi.put("authorized_keys", f"ssh-ed25519 {'A' * 68} anna@laptop\n")
    assert apply.is_due(pi.partition, pi.store, PROJECT)


def test_a_set_up_that_has_failed_is_due_again(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _CABLE)
    pi.fails = "uplink_type"
    pi.boot()
    assert apply.is_due(pi.partition, pi.store, PROJECT)


def test_an_empty_card_is_not_due(pi: Pi) -> None:
    pi.boot()
    assert not apply.is_due(pi.partition, pi.store, PROJECT)


@pytest.mark.parametrize("there", [True, False])
def test_a_root_is_to_be_locked_only_where_what_locks_it_is_there(
    pi: Pi, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(overlay, "can_be_locked", lambda: there)
    pi.put("pvs-bridge.yml", f"{_CABLE}appliance_read_only_root: true\n")
    pi.boot()
    variables, _ = pi.runs[-1]
    assert ("appliance_read_only_root" in variables) == there
    if there:
        assert pi.left_out == []
    else:
        (said,) = pi.left_out
        assert said.startswith("pvs-bridge.yml line 3: appliance_read_only_root: overlayroot")
        assert "Hint: make provision" in said
    assert not apply.is_due(pi.partition, pi.store, PROJECT)
