"""The command pvs-bridge health."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from pvs_bridge.config import ConfigError, HealthConfig, read_config
from pvs_bridge.health.checks import check
from pvs_bridge.health.text import links_text, report_data, report_text
from pvs_bridge.host.probe import Signal

Build = Callable[..., Any]
Body = Callable[..., bytes]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
GOOD: dict[str, object] = {
    "pvs_interface": "lab-missing0",
    "pvs_at_home": False,
    "pvs_address": "172.27.153.1",
    "proxy_port": 80,
    "uplink_interface": "lab-missing1",
    "timeout_seconds": 130,
    "proxy_serves_home": True,
    "translates": True,
    "https_port": 443,
}


@pytest.fixture
def run(role: Path) -> Run:
    """Run the command with the system's own Python, as on the Pi."""
    program = role.parent / "agent/files/pvs_bridge/__main__.py"

    def command(
        *arguments: object, out: int | IO[str] = subprocess.PIPE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        flags = ["-B"] if environment else ["-I", "-B"]
        return subprocess.run(
            ["/usr/bin/python3", *flags, program, "health", *map(str, arguments)],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **environment},
        )

    return command


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """Write a configuration with interfaces that do not exist."""
    path = tmp_path / "health.json"
    path.write_text(json.dumps(GOOD))
    return path


def test_a_broken_link_is_status_1(run: Run, config_file: Path) -> None:
    done = run("--config", config_file)
    assert done.returncode == 1
    assert done.stdout.startswith("Link              State    Seen\n")
    assert "Cable to the PVS  broken   lab-missing0 does not exist\n" in done.stdout
    assert "\nProblem: The Pi has no network interface lab-missing0" in done.stdout
    assert "\nHint:    " in done.stdout
    assert "\x1b" not in done.stdout


def test_json_has_the_documented_keys(run: Run, config_file: Path) -> None:
    done = run("--config", config_file, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["healthy"] is False
    assert (report["broken_link"], report["outcome"]) == ("cable", "interface_missing")
    assert report["plant"] is None
    assert report["links"][0]["link"] == "cable"


def test_quiet_prints_only_problems(run: Run, config_file: Path) -> None:
    done = run("--config", config_file, "--quiet")
    assert done.returncode == 1
    assert done.stdout.startswith("Problem: ")


def test_wrong_usage_is_status_2(run: Run, tmp_path: Path) -> None:
    for arguments in (["--no-such"], ["--json", "--quiet"], ["--wait", "long"], ["--wait", "-1"]):
        assert run(*arguments).returncode == 2
    done = run("--config", tmp_path / "absent.json")
    assert done.returncode == 2
    assert "absent.json: No such file or directory. Hint: provision" in done.stderr
    assert run("--devices", tmp_path / "absent").returncode == 2


def test_a_saved_device_list_is_shown(run: Run, tmp_path: Path, body: Body) -> None:
    saved = tmp_path / "list.json"
    saved.write_bytes(body())
    done = run("--devices", saved)
    assert done.returncode == 0
    assert done.stdout.endswith("Total: 3 panels, 0.60 kW\n")
    plant = json.loads(run("--devices", saved, "--json").stdout)
    assert plant["total"] == {"panels": 3, "working": 3, "kw": 0.6}


def test_a_reader_that_exits_causes_no_traceback(run: Run, config_file: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = run("--config", config_file, out=gone)
    assert done.returncode == 141
    assert done.stderr == ""


def test_a_saved_device_list_that_is_bad_is_status_1(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "list.json"
    saved.write_text("<html>")
    done = run("--devices", saved)
    assert done.returncode == 1
    assert "not a valid device list" in done.stderr


def test_a_terminal_without_unicode_gets_ascii(run: Run, tmp_path: Path, body: Body) -> None:
    saved = tmp_path / "list.json"
    saved.write_bytes(body())
    done = run("--devices", saved, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "---------------  -------  ---  ------  --" in done.stdout


def test_a_healthy_report_has_stable_keys(make_probe: Build, config: HealthConfig) -> None:
    data = report_data(check(config, make_probe()))
    assert list(data) == [
        *("healthy", "broken_link", "outcome", "problem", "hint", "links"),
        *("interface", "note", "plant"),
        *("proxy_port", "proxy_serves_home", "seconds", "text"),
    ]
    assert list(data["plant"]) == [
        *("supervisor", "meters", "storage", "others", "panels", "total", "summary"),
    ]
    assert list(data["links"][0]) == ["link", "title", "state", "seen", "outcome"]
    assert list(data["plant"]["panels"][0]) == [
        *("serial", "state", "watts", "lifetime_kwh", "heatsink_c"),
    ]
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize(
    "key", ["healthy", "broken_link", "panels[]", "interface", "note", "summary"]
)
def test_the_readme_documents_the_keys(role: Path, key: str) -> None:
    assert f"`{key}`" in (role / "README.md").read_text()


@pytest.mark.parametrize("width", [40, 80])
def test_a_report_fits_the_terminal(make_probe: Build, config: HealthConfig, width: int) -> None:
    for probe in (make_probe(), make_probe(signals={}), make_probe(routes=["eth0"])):
        text = report_text(check(config, probe), width)
        links = text.split("\n\nSupervisor")[0]
        assert max(map(len, links.splitlines())) <= width


def test_colours_do_not_move_the_columns(make_probe: Build, config: HealthConfig) -> None:
    report = check(config, make_probe(signals={"wlan0": Signal.UP}))
    coloured = links_text(report, 80, colours=True)
    assert "\x1b[31mbroken \x1b[0m" in coloured
    for code in ("31", "32", "33", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == links_text(report, 80)


def test_a_good_configuration_is_read(config_file: Path) -> None:
    assert vars(read_config(config_file, HealthConfig)) == GOOD


BAD: list[tuple[str, str]] = [
    ("", "not JSON"),
    ("[]", "must be a JSON object. Hint: the keys are pvs_interface"),
    (json.dumps({**GOOD, "colour": 1}), "colour: unknown key"),
    (json.dumps({k: v for k, v in GOOD.items() if k != "proxy_port"}), "proxy_port: missing"),
    (json.dumps({**GOOD, "pvs_interface": "../eth0"}), "eth0, got '../eth0'"),
    (json.dumps({**GOOD, "pvs_interface": ""}), "eth0, got ''"),
    (json.dumps({**GOOD, "pvs_address": "172.27.153"}), "172.27.153.1, got '172.27.153'"),
    (json.dumps({**GOOD, "proxy_port": 0}), "a port from 1 to 65535"),
    (json.dumps({**GOOD, "proxy_port": True}), "a port from 1 to 65535"),
    (json.dumps({**GOOD, "proxy_port": 80.5}), "a port from 1 to 65535"),
    (json.dumps({**GOOD, "timeout_seconds": "130"}), "3600, got '130'"),
    (json.dumps({**GOOD, "timeout_seconds": float("nan")}), "3600, got nan"),
    (
        json.dumps({**GOOD, "proxy_serves_home": "no"}),
        "proxy_serves_home: must be true or false, got 'no'",
    ),
]


@pytest.mark.parametrize(("text", "told"), BAD)
def test_a_bad_configuration_names_the_key(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "health.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_config(path, HealthConfig)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
