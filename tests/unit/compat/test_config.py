"""compat.json is checked strictly, and errors do not show the password."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.compat.conftest import ROLE
from unit.compat.running import config_for

from pvs_bridge.config import CompatConfig, ConfigError, check_config, read_config

PROGRAM = ROLE.parent / "agent/files/pvs_bridge/__main__.py"
GOOD: dict[str, Any] = dataclasses.asdict(config_for("http://172.27.153.1", Path("/run/x")))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mode", "off"),
        ("mode", None),
        ("listen_socket", ""),
        ("listen_socket", "http.sock"),
        ("live_socket", "live.sock"),
        ("pvs_url", "https://172.27.153.1"),
        ("pvs_url", "http://172.27.153.1/x"),
        ("pvs_socket", 5),
        ("stats_socket", "relative"),
        ("password", "a\nb"),
        ("cache_seconds", -1),
        ("cache_seconds", True),
        ("stale_seconds", float("nan")),
        ("stale_seconds", 86401),
        ("night_seconds", -1),
        ("secrets", "no"),
        ("live_data_enabled", 1),
        ("timeout_seconds", 0),
    ],
)
def test_an_invalid_value_is_reported_with_its_key(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{key}: must be"):
        check_config({**GOOD, key: value}, CompatConfig, "compat.json")


def test_an_unknown_or_missing_key_is_reported() -> None:
    with pytest.raises(ConfigError, match="colour: unknown key"):
        check_config({**GOOD, "colour": "red"}, CompatConfig, "compat.json")
    with pytest.raises(ConfigError, match="state_file: missing"):
        check_config(
            {key: GOOD[key] for key in GOOD if key != "state_file"}, CompatConfig, "compat.json"
        )
    with pytest.raises(ConfigError, match="must be a JSON object"):
        check_config([GOOD], CompatConfig, "compat.json")


def test_an_error_about_the_password_does_not_show_it(tmp_path: Path) -> None:
    file = tmp_path / "compat.json"
    file.write_text(json.dumps({**GOOD, "password": "sun\tflower"}))
    with pytest.raises(ConfigError) as caught:
        read_config(file, CompatConfig)
    assert "flower" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "{", "[" * 100_000])
def test_an_unreadable_file_ends_the_program_with_a_hint(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "compat.json"
    if text is not None:
        file.write_text(text)
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "compat", "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "provision the Pi" in done.stderr
    assert "Traceback" not in done.stderr
