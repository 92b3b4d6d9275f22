"""The report shows the result, and credentials are removed from the boot partition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.boot_config.conftest import PROJECT

from pvs_bridge.boot_config import layers, login, read, report, report_text
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.report import Reporter
from pvs_bridge.boot_config.store import Store
from pvs_bridge.host.overlay import Root

# An interface that no machine has, so the home network is never reached.
_NOWHERE = {"uplink_type": "ethernet", "uplink_interface": "nowhere0"}
_USER = 'user:\n  name: anna\n  passwd: "$y$j9T$a$b"\n  shell: /bin/bash\n'
_HASH = "$6$abc$def"
_SECRET = "sunflower-seeds"  # noqa: S105 - no one's
_PSK = "0123456789abcdef" * 4


def layer(values: dict[str, Any], file: str = "pvs-bridge.yml") -> dict[str, Any]:
    """Return a layer as it is stored."""
    return {"file": file, "values": values, "lines": {}}


@pytest.fixture
def reporter(partition: BootPartition, store: Store, tmp_path: Path) -> Reporter:
    """A reporter for an applied boot partition; cloud-init has not run."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mounts").write_text("/dev/vda / ext4 rw 0 0\n")
    return Reporter(
        partition,
        store,
        PROJECT,
        cloud_init_result=tmp_path / "result.json",
        root=Root(tmp_path),
        error_file=tmp_path / "error",
    )


def text(reporter: Reporter) -> str:
    """Return the report on the boot partition."""
    return (reporter.partition.folder / report_text.NAME).read_bytes().decode()


def _report_login(
    reporter: Reporter, form: dict[str, Any], old: dict[str, Any], *, password_login: bool
) -> None:
    """Write a report for a boot partition with these logins."""
    reporter.store.write("outcome", {"user": form})
    reporter.store.write("login", old)
    reporter.store.write("applied", {"variables": {"sshd_password_login": password_login}})
    reporter.cloud_init_result.write_text('{"v1": {"datasource": "DataSourceNoCloud"}}')
    report.report(reporter)


def test_without_a_configuration_the_report_says_what_to_do(reporter: Reporter) -> None:
    assert not report.report(reporter)
    said = text(reporter)
    assert said.startswith("The bridge has no home network yet. Hint: copy pvs-bridge.example.yml")
    assert "put your public key" in said
    assert said.count("\r\n") == said.count("\n")


def test_a_store_that_could_not_be_written_comes_first(reporter: Reporter) -> None:
    reporter.error_file.write_text("The Pi could not store the configuration: it is full.")
    report.report(reporter)
    assert text(reporter).startswith("The Pi could not store the configuration: it is full. The")


def test_without_a_usable_network_the_report_points_to_the_issues(reporter: Reporter) -> None:
    reporter.store.write("outcome", {"rejected": ["pvs-bridge.yml line 4: too short"]})
    report.report(reporter)
    said = " ".join(text(reporter).split())
    assert said.startswith("The bridge has no home network yet, because of what is listed below.")
    assert "pvs-bridge.example.yml" not in said


def test_issues_follow_the_verdict(reporter: Reporter) -> None:
    reporter.store.write("outcome", {"issues": ["pvs-bridge.yml line 3: a"], "rejected": ["b"]})
    report.report(reporter)
    head, *rest = text(reporter).split("\r\n\r\n")
    assert "2 settings on the boot partition could not be used" in " ".join(head.split())
    assert "pvs-bridge.yml line 3: a" in "".join(rest)


def test_stored_credentials_are_removed(reporter: Reporter, options: dict[str, Any]) -> None:
    folder = reporter.partition.folder
    secrets = {
        "network-config": f"wifis:\n  wlan0:\n    access-points:\n      a: {{password: {_PSK}}}\n",
        "wpa_supplicant.conf.txt": f'network={{\n  ssid="b"\n  psk={_PSK}\n}}\n',
        "userconf.txt": f"pi:{_HASH}",
        "pvs-bridge.yml": "compat_password: 12345678\nwifi_password: unknown\n",
    }
    for name, content in secrets.items():
        (folder / name).write_text(content)
    # Nothing is removed before it is stored, or while the stored value differs.
    reporter.clean(options)
    other = {name: layer({}) for name in ("network-config", "wpa_supplicant", "configuration")}
    reporter.store.write("layers", other)
    reporter.store.write("login", {"user": "pi", "password_hash": "another"})
    reporter.clean(options)
    assert {name: (folder / name).read_text() for name in secrets} == secrets

    found = read.read(reporter.partition, {}, options)
    reporter.store.write("layers", layers.to_json(found.layers))
    reporter.store.write("login", {"user": "pi", "password_hash": _HASH})
    reporter.clean(options)
    assert sorted(path.name for path in folder.iterdir()) == ["cmdline.txt", "pvs-bridge.yml"]
    # An unknown variable was not stored.
    assert (folder / "pvs-bridge.yml").read_text() == (
        "compat_password: stored on the Pi\nwifi_password: unknown\n"
    )
    reporter.write("x")
    assert "wpa_supplicant.conf.txt: removed, because the Pi has stored its content" in text(
        reporter
    )


def test_a_file_with_an_issue_is_not_removed(reporter: Reporter, options: dict[str, Any]) -> None:
    file = reporter.partition.folder / "wpa_supplicant.conf"
    file.write_text(f'network={{\n  ssid="b"\n  psk={_PSK}\n}}\nnetwork={{\n}}\n')
    found = read.read(reporter.partition, {}, options)
    assert len(found.issues) == 1
    reporter.store.write("layers", layers.to_json(found.layers))
    reporter.clean(options)
    assert file.exists()


def test_the_password_of_the_form_is_removed_after_cloud_init_has_created_the_user(
    reporter: Reporter, options: dict[str, Any]
) -> None:
    file = reporter.partition.folder / "user-data"
    file.write_text(_USER)
    reporter.clean(options)
    assert file.read_text() == _USER
    reporter.cloud_init_result.write_text('{"v1": {"datasource": null, "errors": []}}')
    reporter.clean(options)
    assert file.read_text() == _USER
    source = "DataSourceNoCloud [seed=/dev/mmcblk0p1]"
    reporter.cloud_init_result.write_text(f'{{"v1": {{"datasource": "{source}", "errors": []}}}}')
    reporter.clean(options)
    assert file.read_text() == "user:\n  name: anna\n  shell: /bin/bash\n"


def test_a_read_only_boot_partition_does_not_stop_the_report(
    partition: BootPartition, store: Store
) -> None:
    journal: list[str] = []
    away = Reporter(BootPartition(partition.folder / "none"), store, PROJECT, say=journal.append)
    assert not report.report(away)
    assert journal[-1].startswith("pvs-bridge-report.txt was not written")
    assert "The bridge has no home network yet" in journal[-1]


@pytest.mark.parametrize(
    ("form", "old", "password_login", "who"),
    [
        ({"name": "anna", "has_key": True}, {}, False, "anna"),
        ({"name": "anna", "has_password": True}, {}, True, "anna"),
        ({}, {"user": "bo", "keys": ["ssh-ed25519 A"]}, False, "bo"),
        ({}, {"user": "bo", "password_hash": _HASH, "keys": []}, True, "bo"),
        # The key on the boot partition belongs to another user than Imager's.
        (
            {"name": "anna", "has_password": True},
            {"user": "pi", "keys": ["ssh-ed25519 A"]},
            False,
            "pi",
        ),
    ],
)
def test_the_report_names_the_user_who_can_log_in(
    reporter: Reporter,
    form: dict[str, Any],
    old: dict[str, Any],
    password_login: bool,
    who: str,
) -> None:
    _report_login(reporter, form, old, password_login=password_login)
    said = text(reporter)
    assert f"ssh {who}@" in said
    assert "SSH login is not" not in said


def test_a_user_that_cloud_init_did_not_create_is_not_named(reporter: Reporter) -> None:
    reporter.store.write("outcome", {"user": {"name": "anna", "has_key": True}})
    reporter.cloud_init_result.write_text('{"v1": {"datasource": "DataSourceNone"}}')
    report.report(reporter)
    assert "anna" not in text(reporter)
    assert "SSH login is not set up" in " ".join(text(reporter).split())


@pytest.mark.parametrize(
    ("form", "old", "password_login", "said"),
    [
        ({"name": "anna", "has_password": True}, {}, False, "it needs a key, and only a password"),
        ({}, {"user": "bo", "password_hash": _HASH, "keys": []}, False, "it needs a key, and only"),
        ({"name": "anna"}, {}, True, "SSH login is not set up"),
    ],
)
def test_without_a_login_the_report_says_how_to_add_one(
    reporter: Reporter,
    form: dict[str, Any],
    old: dict[str, Any],
    password_login: bool,
    said: str,
) -> None:
    _report_login(reporter, form, old, password_login=password_login)
    words = " ".join(text(reporter).split())
    assert said in words
    assert "put your public key into the file authorized_keys on the boot partition" in words
    assert "  ssh " not in text(reporter)


def test_an_edit_that_loses_the_home_network_is_undone(
    reporter: Reporter,
) -> None:
    store, folder = reporter.store, reporter.partition.folder
    good = {"configuration": layer({"uplink_type": "ethernet", "uplink_interface": "wlan0"})}
    store.write("good", good)
    store.write("layers", {"configuration": layer({**_NOWHERE, "compat_password": "x"})})
    store.write("outcome", {"variables": _NOWHERE})
    (folder / "pvs-bridge.yml").write_text(
        "uplink_type: ethernet\nuplink_interface: nowhere0\ncompat_password: x\n"
    )
    assert report.report(reporter, 0)
    assert store.read("layers") == good
    assert not (folder / "pvs-bridge.yml").exists()
    rejected = (folder / "pvs-bridge.rejected.yml").read_text()
    assert rejected.endswith("nowhere0\ncompat_password: stored on the Pi\n")
    assert text(reporter).startswith("The bridge is not in the home network: ")


# Each file in a form that cannot be used, or not completely.
_UNUSABLE = {
    "pvs-bridge.yml": [
        f"compat_password: '{_SECRET}\n",
        f"compat_password: [{_SECRET}]\nproxy_users: {_SECRET}\nwifi_password: {_SECRET}\n"
        f"uplink_networks: [{{ssid: a, passphrase: {{{_SECRET}: 1}}}}, {_SECRET}]\n",
        f"compat_password: a\ncompat_password: {_SECRET}\n\t{_SECRET}\n",
    ],
    "network-config": [
        f"wifis:\n  wlan0:\n    access-points:\n      a: {{password: '{_SECRET}\n",
        f"wifis: {{wlan0: {{access-points: {{a: {{password: [{_SECRET}]}}, b: {_SECRET}}}}}}}\n",
        f"wifis:\n  wlan0: {{auth: {{password: {_SECRET}}}, access-points: {_SECRET}}}\n",
    ],
    "wpa_supplicant.conf": [
        f'network={{\n  ssid="b"\n  psk={_SECRET}\n}}\n',
        f'network={{\n  ssid="b"\n  psk="{_SECRET}\n  wep_key0={_SECRET}\n',
        f'network={{\n  ssid="b"\n  key_mgmt=WPA-EAP\n  password="{_SECRET}"\n}}\n{_SECRET}\n',
    ],
    "userconf.txt": [f"pi {_SECRET}", f"pi:{_SECRET}", f"Pi!:{_SECRET}:{_SECRET}"],
    "user-data": [
        f"user:\n  name: anna\n  passwd: '{_SECRET}\n",
        f"user: {{name: [{_SECRET}], passwd: {_SECRET}}}\n",
        f"users: {_SECRET}\nchpasswd: {{list: 'anna:{_SECRET}'}}\n",
    ],
}


@pytest.mark.parametrize("name", _UNUSABLE)
@pytest.mark.parametrize("number", range(3))
def test_no_issue_of_the_report_shows_a_secret(
    reporter: Reporter, options: dict[str, Any], name: str, number: int
) -> None:
    (reporter.partition.folder / name).write_text(_UNUSABLE[name][number])
    found = read.read(reporter.partition, {}, options)
    _, issues, _ = login.read(reporter.partition)
    reporter.store.write("layers", layers.to_json(found.layers))
    said = [str(issue) for issue in (*found.issues, *issues)]
    reporter.store.write("outcome", {"issues": said, "notes": found.notes})
    report.report(reporter)
    assert _SECRET not in text(reporter)


def test_the_verdict_is_that_of_the_health_check() -> None:
    found = {"healthy": False, "problem": "No cable.", "hint": "Push it in."}
    lines = report_text.report(
        report_text.Facts("x", "y", "garage", health="a table\n  of panels")
    ).split("\r\n")
    assert lines[-3:] == ["  a table", "    of panels", ""]
    assert report.verdict({"healthy": True}) == "The bridge works."
    assert report.verdict(found).endswith("does not work yet. No cable. Push it in.")
