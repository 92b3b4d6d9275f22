"""A restored backup loses nothing that the Pi has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pvs_bridge.backup.archive import Backup
from pvs_bridge.backup.contents import CARD_VARIABLES, VARIABLES, File
from pvs_bridge.history import store
from pvs_bridge.history.day import Day, line_of
from pvs_bridge.setup import restore

_MONTH = "var/lib/pvs-bridge-monitor/history/2026-06.jsonl"
_EVENTS = "var/lib/pvs-bridge-monitor/events.jsonl"


def day(number: int, wh: int) -> Day:
    start = 1_780_272_000 + (number - 1) * 86_400
    return Day(f"2026-06-{number:02}", start=start, midnight=start, wh=wh)


def backup(**files: bytes) -> Backup:
    return Backup(
        "garage", "2026-06-30", "0.1.0", {name: File(data, 0o640) for name, data in files.items()}
    )


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Pi with a history and events."""
    monkeypatch.setattr(restore, "_systemctl", lambda *_: False)
    folder = tmp_path / Path(_MONTH).parent
    folder.mkdir(parents=True)
    store.add(folder, [day(2, 200), day(9, 900)])
    (tmp_path / _EVENTS).write_text("new\n")
    return tmp_path


def test_days_are_added_and_other_files_are_kept(root: Path) -> None:
    lines = line_of(day(1, 100)) + line_of(day(2, 222)) + b"damaged\n"
    taken = backup(**{_MONTH: lines, _EVENTS: b"old\n"})
    for _ in range(2):
        assert restore.restore(taken, lambda _: 0, root) == 0
        days, damaged = store.read(root / _MONTH)
        assert [(each.day, each.wh) for each in days] == [
            ("2026-06-01", 100), ("2026-06-02", 222), ("2026-06-09", 900),
        ]  # fmt: skip
        assert damaged == []
        assert (root / _EVENTS).read_text() == "old\n"
        assert (root / f"{_EVENTS}.before-restore~").read_text() == "new\n"


def test_a_failed_playbook_leaves_variables_and_files(root: Path) -> None:
    file = root / VARIABLES
    file.parent.mkdir(parents=True)
    file.write_text("uplink_type: none\n")
    taken = backup(**{VARIABLES: b"uplink_type: wifi\n", _EVENTS: b"old\n"})

    def fail(host: str) -> int:
        assert host == "garage"
        assert file.read_text() == "uplink_type: wifi\n"
        return 4

    assert restore.restore(taken, fail, root) == 4
    assert file.read_text() == "uplink_type: none\n"
    assert (root / _EVENTS).read_text() == "new\n"


def test_values_of_a_card_are_not_templates() -> None:
    applied = {"variables": {"uplink_networks": [{"ssid": "{{ 7 * 7 }}"}], "mqtt_port": 1883}}
    text = restore.variables(backup(**{CARD_VARIABLES: json.dumps(applied).encode()}))
    assert text is not None
    assert yaml.safe_load(text) == {
        "uplink_networks": [{"ssid": "{% raw %}{{ 7 * 7 }}{% endraw %}"}], "mqtt_port": 1883,
    }  # fmt: skip
