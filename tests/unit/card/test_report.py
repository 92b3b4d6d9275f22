"""The report says how it went, and credentials leave the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.card.conftest import PROJECT

from pvs_bridge.boot_config import layers, read, report, report_text
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.report import Reporter
from pvs_bridge.boot_config.store import Store

# No machine has such an interface, so there is no way home by it.
_NOWHERE = {"uplink_type": "ethernet", "uplink_interface": "nowhere0"}
_USER = 'user:\n  name: anna\n  passwd: "$y$j9T$a$b"\n  shell: /bin/bash\n'
_HASH = "$6$abc$def"
_PSK = "0123456789abcdef" * 4


def layer(values: dict[str, Any], file: str = "pvs-bridge.yml") -> dict[str, Any]:
    """A layer as it is stored."""
    return {"file": file, "values": values, "lines": {}}


@pytest.fixture
def reporter(partition: BootPartition, store: Store, tmp_path: Path) -> Reporter:
    """Reports on a card that was applied; cloud-init is not done."""
    return Reporter(
        partition,
        store,
        PROJECT,
        cloud_init_result=tmp_path / "result.json",
        trouble=tmp_path / "trouble",
    )


def text(reporter: Reporter) -> str:
    """The report as it is on the card."""
    return (reporter.partition.folder / report_text.NAME).read_bytes().decode()


def _described(
    reporter: Reporter, form: dict[str, Any], old: dict[str, Any], *, password_login: bool
) -> None:
    """Report on a card whose files say who is to log in."""
    reporter.store.write("outcome", {"user": form})
    reporter.store.write("login", old)
    reporter.store.write("applied", {"variables": {"sshd_password_login": password_login}})
    reporter.cloud_init_result.write_text('{"v1": {"datasource": "DataSourceNone", "errors": []}}')
    report.report(reporter)


def test_a_card_without_a_description_says_what_to_do(reporter: Reporter) -> None:
    assert not report.report(reporter)
    said = text(reporter)
    assert said.startswith("The bridge has no way home yet. Hint: copy pvs-bridge.example.yml")
    assert "put your public key" in said
    assert said.count("\r\n") == said.count("\n")


def test_that_nothing_could_be_stored_comes_first(reporter: Reporter) -> None:
    reporter.trouble.write_text("The Pi could not store what this card says: it is full.")
    report.report(reporter)
    assert text(reporter).startswith("The Pi could not store what this card says: it is full. The")


def test_what_was_left_out_is_told_behind_the_verdict(reporter: Reporter) -> None:
    reporter.store.write("outcome", {"mistakes": ["pvs-bridge.yml line 3: a"], "left_out": ["b"]})
    report.report(reporter)
    head, *rest = text(reporter).split("\r\n\r\n")
    assert "2 things on the card could not be used" in " ".join(head.split())
    assert "pvs-bridge.yml line 3: a" in "".join(rest)


def test_stored_credentials_leave_the_card(reporter: Reporter, options: dict[str, Any]) -> None:
    folder = reporter.partition.folder
    secrets = {
        "network-config": f"wifis:\n  wlan0:\n    access-points:\n      a: {{password: {_PSK}}}\n",
        "wpa_supplicant.conf.txt": f'network={{\n  ssid="b"\n  psk={_PSK}\n}}\n',
        "userconf.txt": f"pi:{_HASH}",
        "pvs-bridge.yml": "compat_password: 12345678\nwifi_password: unknown\n",
    }
    for name, content in secrets.items():
        (folder / name).write_text(content)
    # Before anything is stored, all of it stays; and so does what says something else.
    reporter.clean(options)
    other = {name: layer({}) for name in ("network-config", "wpa_supplicant", "description")}
    reporter.store.write("layers", other)
    reporter.store.write("login", {"user": "pi", "password_hash": "another"})
    reporter.clean(options)
    assert {name: (folder / name).read_text() for name in secrets} == secrets

    found = read.read(reporter.partition, {}, options)
    reporter.store.write("layers", layers.to_json(found.layers))
    reporter.store.write("login", {"user": "pi", "password_hash": _HASH})
    reporter.clean(options)
    assert sorted(path.name for path in folder.iterdir()) == ["cmdline.txt", "pvs-bridge.yml"]
    # What is no variable was not stored.
    assert (folder / "pvs-bridge.yml").read_text() == (
        "compat_password: stored on the Pi\nwifi_password: unknown\n"
    )
    reporter.write("x")
    assert "wpa_supplicant.conf.txt: removed, the Pi has stored it" in text(reporter)


def test_a_file_with_a_mistake_stays_to_be_mended(
    reporter: Reporter, options: dict[str, Any]
) -> None:
    file = reporter.partition.folder / "wpa_supplicant.conf"
    file.write_text(f'network={{\n  ssid="b"\n  psk={_PSK}\n}}\nnetwork={{\n}}\n')
    found = read.read(reporter.partition, {}, options)
    assert len(found.mistakes) == 1
    reporter.store.write("layers", layers.to_json(found.layers))
    reporter.clean(options)
    assert file.exists()


def test_the_password_of_the_form_leaves_when_cloud_init_has_made_the_user(
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


def test_a_card_that_cannot_be_written_to_holds_nothing_up(
    partition: BootPartition, store: Store
) -> None:
    said: list[str] = []
    away = Reporter(BootPartition(partition.folder / "none"), store, PROJECT, say=said.append)
    assert not report.report(away)
    assert said[-1].startswith("pvs-bridge-report.txt was not written")
    assert "The bridge has no way home yet" in said[-1]


@pytest.mark.parametrize(
    ("form", "old", "password_login", "who"),
    [
        ({"name": "anna", "has_key": True}, {}, False, "anna"),
        ({"name": "anna", "has_password": True}, {}, True, "anna"),
        ({}, {"user": "bo", "keys": ["ssh-ed25519 A"]}, False, "bo"),
        ({}, {"user": "bo", "password_hash": _HASH, "keys": []}, True, "bo"),
        # The key on the card is another user's than Imager's.
        (
            {"name": "anna", "has_password": True},
            {"user": "pi", "keys": ["ssh-ed25519 A"]},
            False,
            "pi",
        ),
    ],
)
def test_it_says_who_can_log_in(
    reporter: Reporter,
    form: dict[str, Any],
    old: dict[str, Any],
    password_login: bool,
    who: str,
) -> None:
    _described(reporter, form, old, password_login=password_login)
    said = text(reporter)
    assert f"ssh {who}@" in said
    assert "nobody can log in" not in said


@pytest.mark.parametrize(
    ("form", "old", "password_login", "said"),
    [
        ({"name": "anna", "has_password": True}, {}, False, "it takes a key, and only a password"),
        ({}, {"user": "bo", "password_hash": _HASH, "keys": []}, False, "it takes a key, and only"),
        ({"name": "anna"}, {}, True, "which the bridge does not need"),
    ],
)
def test_it_says_how_to_let_in_somebody_where_nobody_can_log_in(
    reporter: Reporter,
    form: dict[str, Any],
    old: dict[str, Any],
    password_login: bool,
    said: str,
) -> None:
    _described(reporter, form, old, password_login=password_login)
    words_of_it = " ".join(text(reporter).split())
    assert said in words_of_it
    assert "put your public key into the file authorized_keys on the card" in words_of_it
    assert "  ssh " not in text(reporter)


def test_an_edited_way_home_that_leads_nowhere_gives_way_to_the_one_before(
    reporter: Reporter,
) -> None:
    store, folder = reporter.store, reporter.partition.folder
    good = {"description": layer({"uplink_type": "ethernet", "uplink_interface": "wlan0"})}
    store.write("good", good)
    store.write("layers", {"description": layer({**_NOWHERE, "compat_password": "x"})})
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


def test_the_health_check_s_answer_is_the_verdict() -> None:
    found = {"healthy": False, "problem": "No cable.", "hint": "Push it in."}
    lines = report_text.report(
        report_text.Facts("x", "y", "garage", health="a table\n  of panels")
    ).split("\r\n")
    assert lines[-3:] == ["  a table", "    of panels", ""]
    assert report.verdict({"healthy": True}) == "The bridge works."
    assert report.verdict(found).endswith("does not work yet. No cable. Push it in.")
