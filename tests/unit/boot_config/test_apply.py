"""Valid settings are applied, and rejected ones left out, as the real preflight check decides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.boot_config.conftest import PROJECT, preflight

from pvs_bridge.boot_config import apply, keyboard, login, playbook, redact, undo
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.playbook import Outcome
from pvs_bridge.boot_config.store import Store
from pvs_bridge.host import version
from pvs_bridge.host.overlay import OVERLAYROOT, Root

_CABLE = "uplink_type: ethernet\nuplink_interface: wlan0\n"
_WIFI = "uplink_country: US\nuplink_networks:\n  - ssid: Sunnyside\n    passphrase: 12345678\n"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxR0zYpNpVr0Tm6l5pZr0zYpNpVr0Tm6l5pZr0zYpNp"
_SUNNYSIDE = {"uplink_networks": [{"ssid": "Sunnyside", "passphrase": "12345678"}]}
_PSK = "0123456789abcdef" * 4
_WPA = f'country=DE\nnetwork={{\n  ssid="Old way"\n  psk={_PSK}\n}}\n'


class Pi:
    """A Pi that applies its boot partition; remembers each run of site.yml."""

    def __init__(self, partition: BootPartition, store: Store) -> None:
        """Start with an empty boot partition."""
        self.partition, self.store = partition, store
        self.runs: list[tuple[dict[str, Any], list[str]]] = []
        self.fails = ""
        self.root = Root(partition.folder.parent)

    def fill_in(self, user: str) -> None:
        """Write the user-data of Raspberry Pi Imager v2.0.11.1 with these lines about the user."""
        self.put("meta-data", "instance-id: rpi-imager-1764254130512\n")
        name = f"user:\n  name: anna\n  shell: /bin/bash\n{user}"
        self.put("user-data", f"#cloud-config\nmanage_resolv_conf: false\n{name}")

    def put(self, name: str, text: str) -> None:
        """Write a file onto the boot partition."""
        (self.partition.folder / name).write_text(text)

    def boot(self) -> bool:
        """Apply the boot partition; return whether something was applied."""
        applied = apply.apply(self.partition, self.store, PROJECT, self._play, self.root)
        return applied is not None

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
    def rejected(self) -> list[str]:
        """What the report shows as rejected."""
        outcome = self.store.read("outcome")
        return [*outcome["issues"], *outcome["rejected"]]

    @property
    def notes(self) -> str:
        """What the report shows as notes."""
        return "\n".join(self.store.read("outcome")["notes"])


class _Unsafe(yaml.SafeLoader):
    """Reads an inventory with Ansible's tag !unsafe."""


def _text(_: _Unsafe, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Unsafe.add_constructor("!unsafe", _text)


@pytest.fixture
def pi(partition: BootPartition, store: Store) -> Pi:
    """A Pi with an empty boot partition."""
    return Pi(partition, store)


def test_an_empty_boot_partition_changes_nothing(pi: Pi) -> None:
    assert not pi.boot()
    assert pi.runs == []


def test_the_same_configuration_is_applied_once(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _WIFI)
    assert pi.boot()
    assert not pi.boot()
    # A deleted file keeps its stored settings.
    (pi.partition.folder / "pvs-bridge.yml").unlink()
    assert not pi.boot()
    ((variables, tags),) = pi.runs
    networks = [{"ssid": "Sunnyside", "passphrase": "12345678"}]
    assert variables == {"uplink_country": "US", "uplink_networks": networks}
    # The monitor watches the uplink too, once there is one.
    assert tags == ["monitor", "uplink"]


def test_another_version_of_the_project_runs_nothing_by_itself(
    pi: Pi, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `make provision` has applied it, perhaps with other variables, and has renewed the project.
    pi.put("pvs-bridge.yml", _CABLE)
    assert pi.boot()
    monkeypatch.setattr(version, "version", lambda *_: "9.9.9")
    assert not pi.boot()


def test_each_file_overrides_the_ones_before_it(pi: Pi) -> None:
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
        "wpa_supplicant.conf line 1: uplink_country is not used, because pvs-bridge.yml line 1 "
        "sets another value"
    ) in pi.notes


def test_invalid_settings_are_left_out_and_the_others_are_applied(pi: Pi) -> None:
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
    unknown, port, passphrase = pi.rejected
    assert unknown.startswith("pvs-bridge.yml line 3: wifi_password: unknown variable. Hint: ")
    assert port.startswith("pvs-bridge.yml line 1: proxy_http_port: ")
    assert re.search("99999.*Hint: ", port)
    assert passphrase.startswith("pvs-bridge.yml line 6: uplink_networks[0].passphrase: ")


def test_a_list_without_a_valid_item_is_replaced_by_the_previous_file(pi: Pi) -> None:
    pi.put("wpa_supplicant.conf", _WPA)
    pi.put("pvs-bridge.yml", "uplink_networks:\n  - ssid: One\n    passphrase: short\n")
    pi.boot()
    assert pi.runs[0][0]["uplink_networks"] == [{"ssid": "Old way", "psk": _PSK}]


def test_settings_that_lack_another_setting_are_left_out(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", f"{_CABLE}uplink_method: static\nproxy_cache_seconds: 60\n")
    pi.boot()
    assert pi.runs[0][0] == {**yaml.safe_load(_CABLE), "proxy_cache_seconds": 60}
    assert "uplink_address" in "\n".join(pi.rejected)


def test_if_site_yml_fails_only_the_uplink_is_applied(pi: Pi) -> None:
    pi.fails = "console_dns_enabled"
    pi.put("pvs-bridge.yml", f"{_CABLE}console_dns_enabled: true\n")
    pi.boot()
    assert pi.runs[0][0] == yaml.safe_load(_CABLE)
    assert pi.rejected == ["uplink : Install packages: no network"]


def test_a_new_card_is_connected_before_the_playbook_runs(pi: Pi) -> None:
    seen = []

    def connect(variables: Mapping[str, Any], _: Path) -> bool:
        seen.append(dict(variables))
        return True

    def start(connect: apply.Connect | None) -> object:
        return apply.apply(pi.partition, pi.store, PROJECT, pi._play, pi.root, connect)

    pi.put("pvs-bridge.yml", _WIFI)
    assert start(connect)
    # After a power cut before the playbook.
    assert start(connect)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert pi.runs == []
    assert start(None)
    assert [variables for variables, _ in pi.runs] == seen[:1]
    pi.put("pvs-bridge.yml", _WIFI.replace("12345678", "87654321"))
    assert start(connect)
    assert len(seen) == 2
    assert len(pi.runs) == 2


def test_a_change_interrupted_by_a_power_cut_is_repeated(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", f"{_CABLE}proxy_cache_seconds: 60\n")
    pi.boot()
    applied = pi.store.read("applied")
    pi.put("pvs-bridge.yml", f"{_CABLE}compat_password: x\n")
    pi.boot()
    # Power was cut while site.yml ran: only the state before the run is known.
    pi.store.write("applied", {"variables": applied["variables"], "pending": ["compat_password"]})
    pi.put("pvs-bridge.yml", f"{_CABLE}proxy_cache_seconds: 60\n")
    assert pi.boot()
    assert pi.runs[2][1] == ["compat"]


@pytest.mark.parametrize(
    ("cmdline", "country", "source"),
    [
        ("cfg80211.ieee80211_regdom=GB", "GB", "GB was taken from cmdline.txt"),
        ("", "00", "only channels that are allowed in every country are used"),
    ],
)
def test_without_a_country_the_pi_joins_its_network(
    pi: Pi, cmdline: str, country: str, source: str
) -> None:
    pi.put("cmdline.txt", cmdline)
    pi.put("wpa_supplicant.conf", _WPA.replace("country=DE\n", ""))
    pi.boot()
    assert pi.runs[0][0]["uplink_country"] == country
    assert source in pi.notes
    # A kernel update overwrites the firmware's command line.
    pi.put("cmdline.txt", "")
    assert not pi.boot()
    assert pi.rejected == []


def test_text_needs_no_quotes(pi: Pi) -> None:
    pi.put(
        "pvs-bridge.yml",
        "uplink_country: NO\nuplink_networks:\n  - ssid: 007\n    passphrase: 01234567\n"
        "    hidden: yes\ncompat_mode: on\nproxy_cache_seconds: 60\n",
    )
    pi.boot()
    assert pi.rejected == []
    assert pi.runs[0][0] == {
        "uplink_country": "NO",
        "uplink_networks": [{"ssid": "007", "passphrase": "01234567", "hidden": True}],
        "compat_mode": "on",
        "proxy_cache_seconds": 60,
    }


def test_a_wrong_country_costs_itself_alone(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _WIFI.replace("US", "Atlantis"))
    pi.boot()
    assert pi.runs[0][0] == {**_SUNNYSIDE, "uplink_country": "00"}
    (message,) = pi.rejected
    assert message.startswith("pvs-bridge.yml line 1: uplink_country: must be the code")


def test_a_wrong_edit_keeps_the_previous_value(pi: Pi) -> None:
    users = {"anna": "$5$salt$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq"}
    pi.put("pvs-bridge.yml", f"{_CABLE}proxy_users: {json.dumps(users)}\n")
    pi.boot()
    assert pi.rejected == []
    pi.put("pvs-bridge.yml", f"{_CABLE}proxy_users: {{anna: secret}}\nproxy_cache_seconds: 60\n")
    for _ in range(2):
        pi.boot()
        # Without users, the bridge would be open to the home network.
        assert pi.runs[-1][0]["proxy_users"] == users
        assert pi.runs[-1][0]["proxy_cache_seconds"] == 60
        (message,) = pi.rejected
        assert message.startswith("pvs-bridge.yml line 3: proxy_users")
        assert message.endswith("; until then its previous value is active")


def test_a_network_with_two_mistakes_costs_no_other_one(pi: Pi) -> None:
    pi.put(
        "pvs-bridge.yml",
        "uplink_country: US\nuplink_networks:\n  - {ssid: One, passphrase: long enough}\n"
        "  - {ssid: Two, passphrase: short, priority: 9999}\n"
        "  - {ssid: Three, passphrase: long enough}\n",
    )
    pi.boot()
    assert [each["ssid"] for each in pi.runs[0][0]["uplink_networks"]] == ["One", "Three"]
    assert len(pi.rejected) == 2


def test_a_wrong_setting_of_a_network_costs_no_network(pi: Pi) -> None:
    pi.put(
        "pvs-bridge.yml",
        "uplink_country: US\nuplink_networks:\n  - {ssid: One, passphrase: long enough, \n"
        "     priority: 9999, security: wpa9, channel: 6}\n",
    )
    pi.boot()
    networks = [{"ssid": "One", "passphrase": "long enough"}]
    assert pi.runs[0][0] == {"uplink_country": "US", "uplink_networks": networks}
    assert len(pi.rejected) == 3


def _reach_home(pi: Pi, text: str) -> dict[str, Any]:
    """Apply a file with which the Pi reaches its home network; return the variables."""
    pi.put("pvs-bridge.yml", text)
    pi.boot()
    undo.keep(pi.store)
    return pi.runs[-1][0]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        # The passphrase was cut off.
        (_WIFI.replace("12345678", "1234"), "line 4: uplink_networks[0].passphrase: must have"),
        ("uplink_type: wiffi\n", "line 1: uplink_type: must be one of"),
        ("uplink_hostname: barn\n", "the files have no connection to the home network"),
        ("uplink_networks: []\n", "the files have no connection to the home network"),
    ],
)
def test_an_edit_without_a_way_home_keeps_the_last_one(pi: Pi, edit: str, message: str) -> None:
    before = _reach_home(pi, _WIFI)
    pi.put("pvs-bridge.yml", edit)
    for _ in range(2):
        pi.boot()
        applied = pi.store.read("applied")["variables"]
        assert {name: applied[name] for name in before} == before
        assert "uplink_type" not in applied
        assert any(message in each for each in pi.rejected)
        assert any("the last one that worked stays active" in each for each in pi.rejected)
    assert undo.earlier(pi.store) is None
    # The next boot has nothing to do.
    runs = len(pi.runs)
    assert not pi.boot()
    assert len(pi.runs) == runs


def test_the_home_network_is_left_if_the_file_says_so(pi: Pi) -> None:
    _reach_home(pi, _WIFI)
    pi.put("pvs-bridge.yml", "uplink_type: none\n")
    pi.boot()
    assert pi.runs[-1][0] == {"uplink_type": "none"}
    assert pi.rejected == []


def test_a_wrong_passphrase_stays_readable_until_it_is_corrected(
    pi: Pi, options: dict[str, Any]
) -> None:
    wrong = "uplink_networks:\n  - {ssid: a, passphrase: short}\n"
    pi.put("pvs-bridge.yml", f"{wrong}compat_password: sunflower\n")
    pi.put("wpa_supplicant.conf", _WPA.replace(_PSK, "short"))
    for _ in range(2):
        pi.boot()
        redact.clean(pi.partition, pi.store, options, pi.partition.folder / "none")
        text = (pi.partition.folder / "pvs-bridge.yml").read_text()
        assert text == f"{wrong}compat_password: stored on the Pi\n"
        assert (pi.partition.folder / "wpa_supplicant.conf").exists()
    assert any(each.startswith("wpa_supplicant.conf line 4: ") for each in pi.rejected)


def test_values_are_not_evaluated_as_templates(pi: Pi) -> None:
    network = {"ssid": "{{ 7 * 7 }}", "passphrase": "{% x %}{{ y }}"}
    pi.put("pvs-bridge.yml", yaml.safe_dump({"uplink_country": "US", "uplink_networks": [network]}))
    pi.boot()
    assert pi.rejected == []
    assert pi.runs[0][0]["uplink_networks"] == [network]


def test_a_store_that_cannot_be_written_changes_nothing(pi: Pi) -> None:
    pi.store.folder.parent.joinpath("boot-config").write_text("a file in place of the folder")
    pi.put("pvs-bridge.yml", _CABLE)
    with pytest.raises(OSError, match="exists"):
        pi.boot()
    assert pi.runs == []


def test_the_message_of_a_failed_task_is_found() -> None:
    result = json.dumps({"changed": False, "msg": "no\nroom"})
    said = (
        f"TASK [proxy : Configure haproxy] ***\nfatal: [x]: FAILED! => {result}\nPLAY RECAP ***\n"
    )
    assert playbook.failure(said) == Outcome(False, [], "proxy : Configure haproxy: no room")
    assert playbook.failure("ERROR! no such file\n").failure == "ERROR! no such file"


def test_a_dry_run_finds_changes_without_making_them(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _CABLE)
    assert apply.is_due(pi.partition, pi.store, PROJECT)
    assert not pi.store.folder.exists()
    pi.boot()
    before = {file.name: file.read_bytes() for file in pi.store.folder.iterdir()}
    assert not apply.is_due(pi.partition, pi.store, PROJECT)
    pi.put("pvs-bridge.yml", f"{_CABLE}uplink_hostname: barn\n")
    assert apply.is_due(pi.partition, pi.store, PROJECT)
    assert {file.name: file.read_bytes() for file in pi.store.folder.iterdir()} == before


def test_a_dry_run_does_not_create_the_user(pi: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "provide", lambda _: pytest.fail("the user was made"))
    pi.put("authorized_keys", f"{_KEY} anna@laptop\n")
    assert apply.is_due(pi.partition, pi.store, PROJECT)


def test_a_user_with_only_a_key_becomes_root(pi: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
    provided: list[login.Login] = []
    monkeypatch.setattr(login, "provide", provided.append)
    pi.fill_in(f'  lock_passwd: true\n  ssh_authorized_keys:\n    - "{_KEY}"\n  sudo: null\n')
    for _ in range(2):
        pi.boot()
        assert "anna becomes root without a password" in pi.notes
    # The user keeps it without the file.
    (pi.partition.folder / "user-data").unlink()
    pi.put("authorized_keys", f"{_KEY}\n")
    pi.boot()
    assert provided == [login.Login(form_user="anna"), login.Login(keys=(_KEY,), form_user="anna")]


def test_a_user_with_a_password_needs_it_for_sudo(pi: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "provide", lambda _: pytest.fail("sudo was opened"))
    passwords = '  lock_passwd: false\n  passwd: "$y$j9T$a$b"\n'
    # The report removes the password.
    for password in (passwords, "  lock_passwd: false\n"):
        key = f'  ssh_authorized_keys:\n    - "{_KEY}"\n'
        pi.fill_in(f"{password}{key}  sudo: null\nssh_pwauth: true\n")
        pi.boot()
        assert "sudo asks anna for the password" in pi.notes
    # The form asks for logins with the password.
    assert pi.runs[0][0] == {"sshd_password_login": True, "uplink_type": "none"}
    pi.put("pvs-bridge.yml", f"{_CABLE}sshd_password_login: false\n")
    pi.boot()
    assert pi.runs[1][0]["sshd_password_login"] is False


def test_the_keyboard_of_the_form_is_taken_over_once(
    pi: Pi, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts: list[str] = []

    def provide(layout: str, _: str) -> str:
        layouts.append(layout)
        return "no file"

    monkeypatch.setattr(keyboard, "provide", provide)
    for layout in ("gb", "gb", "de"):
        text = f'#cloud-config\nkeyboard:\n  model: pc105\n  layout: "{layout}"\n'
        pi.put("user-data", text)
        pi.boot()
        assert pi.notes == "no file"
    assert layouts == ["gb", "de"]


def test_a_failed_set_up_is_due_again(pi: Pi) -> None:
    pi.put("pvs-bridge.yml", _CABLE)
    pi.fails = "uplink_type"
    pi.boot()
    assert apply.is_due(pi.partition, pi.store, PROJECT)


def test_an_empty_boot_partition_is_not_due(pi: Pi) -> None:
    pi.boot()
    assert not apply.is_due(pi.partition, pi.store, PROJECT)


@pytest.mark.parametrize("installed", [True, False])
def test_the_root_is_locked_only_where_overlayroot_is_installed(
    pi: Pi, tmp_path: Path, installed: bool
) -> None:
    if installed:
        (tmp_path / OVERLAYROOT).parent.mkdir(parents=True)
        (tmp_path / OVERLAYROOT).write_text("")
    pi.put("pvs-bridge.yml", f"{_CABLE}appliance_read_only_root: true\n")
    pi.boot()
    variables, _ = pi.runs[-1]
    assert ("appliance_read_only_root" in variables) == installed
    if installed:
        assert pi.rejected == []
    else:
        (message,) = pi.rejected
        assert message.startswith(
            "pvs-bridge.yml line 3: appliance_read_only_root: the package overlayroot"
        )
        assert "Hint: make provision" in message
    assert not apply.is_due(pi.partition, pi.store, PROJECT)


def test_no_rejected_secret_is_shown(pi: Pi) -> None:
    pi.put(
        "pvs-bridge.yml",
        "compat_password: [sunflower]\nproxy_users: {anna: sunflower}\nuplink_networks:\n"
        "  - {ssid: a, passphrase: sun, psk: sunflower}\n  - sunflower\n",
    )
    pi.boot()
    assert len(pi.rejected) > 2
    assert "sunflower" not in json.dumps(pi.store.read("outcome"))
