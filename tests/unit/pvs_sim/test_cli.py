"""The command line: help, errors, ready file, log, and a clean end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pvs_sim
from pvs_sim import certificate
from pvs_sim.cli import build_parser, flag, main, options_from
from pvs_sim.client import fetch
from pvs_sim.options import Options, Settings, specs

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB = Path(pvs_sim.__file__).parent.parent
QUIET = ["--http-port", "0", "--https-port", "off", "--websocket-port", "off",
         "--control-port", "0"]  # fmt: skip
EARLY = ["--clock", "2025-01-15T20:00:00Z"]  # few days of energy to count: a quick start
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(LAB)}


def parse(*arguments: str) -> Options:
    return options_from(build_parser().parse_args(list(arguments)))


@contextlib.contextmanager
def running(
    folder: Path, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "pvs_sim", *EARLY, *arguments, "--ready-file", str(ready)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        end = time.monotonic() + 15
        while not ready.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        assert ready.exists(), process.communicate(timeout=5)
        yield process, json.loads(ready.read_text())
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_cleanly_when_told(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path, *QUIET) as (process, ready):
        ports = ready["ports"]
        assert (ports["https"], ports["websocket"]) == (None, None)
        assert fetch(f"http://127.0.0.1:{ports['http']}/").status == 200
        process.send_signal(number)
        output, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert errors == ""
    assert output.splitlines() == [
        f"pvs_sim: http on 127.0.0.1 port {ports['http']}",
        f"pvs_sim: control on 127.0.0.1 port {ports['control']}",
    ]


def test_it_ends_at_once_with_a_client_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    with (
        running(tmp_path, *QUIET, "--latency-seconds", "60") as (process, ready),
        socket.create_connection(("127.0.0.1", ready["ports"]["http"])) as client,
    ):
        client.sendall(b"GET /cgi-bin/dl_cgi?Command=DeviceList HTTP/1.1\r\nHost: x\r\n\r\n")
        stats = f"http://127.0.0.1:{ready['ports']['control']}/_sim/stats"
        while fetch(stats).json()["in_flight"]["cgi"] == 0:
            time.sleep(0.01)
        process.terminate()
        _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")


def test_the_log_has_a_line_for_each_request(tmp_path: Path) -> None:
    with running(tmp_path, *QUIET, "--log", "--latency-seconds", "0") as (process, ready):
        fetch(f"http://127.0.0.1:{ready['ports']['http']}/cgi-bin/dl_cgi?Command=Stop")
        process.terminate()
        _, errors = process.communicate(timeout=10)
    (line,) = errors.splitlines()
    assert re.fullmatch(
        r"http 200 \d+\.\d{3} s 'GET /cgi-bin/dl_cgi\?Command=Stop HTTP/1\.1'", line
    )


def test_everything_listens_by_default_and_serial_and_ports_are_announced(tmp_path: Path) -> None:
    arguments = [text for text in QUIET if text.startswith("--")]
    zeros = [part for name in arguments for part in (name, "0")]
    with running(tmp_path, *zeros, "--serial", "ZT770175000612B4242") as (_, ready):
        assert ready["serial"] == "ZT770175000612B4242"
        assert all(isinstance(port, int) and port > 0 for port in ready["ports"].values())
        url = f"https://127.0.0.1:{ready['ports']['https']}/cgi-bin/dl_cgi/supervisor/info"
        assert fetch(url).json()["supervisor"]["SERIAL"] == "ZT770175000612B4242"


def test_every_option_and_setting_is_on_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name in [*specs(Options), *specs(Settings)]:
        assert f"  {flag(name)}" in text
    for group in ("listening:", "the PVS:", "the plant:", "latency:", "crash:", "faults:"):
        assert f"\n{group}\n" in text


def test_without_options_the_ports_need_no_root() -> None:
    options = parse()
    ports = (options.http_port, options.https_port, options.websocket_port, options.control_port)
    assert ports == (8080, 8443, 9002, 8099)
    assert (options.host, options.control_host) == ("127.0.0.1", "127.0.0.1")
    assert options.settings == Settings()
    assert (options.panels, options.model, options.battery) == (24, "PVS6", False)


def test_options_are_read_as_they_are_meant() -> None:
    options = parse(
        *[
            "--http-port",
            "off",
            "--panels",
            "60",
            "--battery",
            "--daylight",
            "--seed",
            "7",
            "--firmware",
            "61846",
        ],
        *["--clock", "2026-06-21T19:00:00Z", "--clock-scale", "0", "--latency-scale", "0.5"],
        *["--restart-phases", "503=1,silence=3", "--random-403", "0.1", "--br-hang", "off"],
        *["--expired-status", "401", "--fault", "500:count=2", "--fault", "slow"],
    )
    assert options.http_port is None
    assert (options.panels, options.battery, options.daylight, options.seed) == (60, True, True, 7)
    assert (options.clock, options.clock_scale) == (1_782_068_400.0, 0.0)
    settings = options.settings
    assert settings.restart_phases == (("503", 1.0), ("silence", 3.0))
    assert (settings.random_403, settings.br_hang, settings.expired_status) == (0.1, False, 401)
    assert [(fault.kind, fault.count) for fault in options.faults] == [("500", 2), ("slow", None)]
    assert parse("--random-403", "auto", "--br-hang", "auto", "--clock", "now") == parse()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--panels 0", "--panels: 0 is out of range; give 1 to 400"),
        ("--panels many", "--panels: 'many' is not a whole number"),
        ("--http-port web", "--http-port: 'web' is not a port; give a number, 0"),
        ("--http-port 70000", "--http-port: 70000 is out of range; give 0 to 65535"),
        ("--model PVS7", "--model: 'PVS7' is not known; give one of PVS6, PVS5"),
        ("--clock noon", "--clock: 'noon' is not an instant; give now or"),
        ("--clock 2001-01-01", "--clock: the plant exists from 2025-01-02"),
        ("--latency-scale fast", "--latency-scale: 'fast' is not a number"),
        ("--latency-scale nan", "--latency-scale: nan is out of range"),
        ("--latency-seconds -1", "--latency-seconds: -1.0 is out of range"),
        ("--expired-status 418", "--expired-status: '418' is not known; give one of 401"),
        ("--br-hang maybe", "--br-hang: 'maybe' is not known; give auto, on or off"),
        ("--restart-phases nap=1", "--restart-phases: 'nap' is not a phase (503, reset"),
        ("--restart-phases 503=x", "--restart-phases: 'x' is not a number"),
        ("--serial 1234", "--serial: '1234' is too short; give 5 characters"),
        ("--fault boom", "--fault: kind: 'boom' is not known; give one of 500"),
        ("--tls-cert cert.pem", "--tls-key: a certificate and its key belong together"),
        ("--tls-cert /none --tls-key /none", "cannot use --tls-cert /none with --tls-key /none"),
        ("--host 203.0.113.9", "cannot listen on 203.0.113.9 port 0: "),
        ("--ready-file /none/there", "--ready-file: cannot write /none/there: No such file"),
    ],
)
def test_a_bad_value_is_one_clear_error(
    arguments: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    zeros = [
        "--http-port",
        "0",
        "--https-port",
        "0",
        "--websocket-port",
        "0",
        "--control-port",
        "0",
    ]
    assert main([*zeros, *EARLY, *arguments.split()]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"pvs_sim: {says}")
    assert len(errors.splitlines()) == 1


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--panel", "3"])
    assert caught.value.code == 2
    assert "unrecognized arguments: --panel" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([*QUIET, *EARLY, "--http-port", str(port)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"pvs_sim: cannot listen on 127.0.0.1 port {port}: ")
    assert "or 0 for any free one" in errors


def test_without_openssl_the_hint_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pvs_sim.certificate.shutil.which", lambda _name: None)
    certificate._first.cache_clear()
    assert main([*QUIET, *EARLY, "--https-port", "0"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("pvs_sim: HTTPS needs the openssl command")
    assert "--https-port off" in errors


def test_a_certificate_of_ones_own_is_used(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=mine", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    options = Options(tls_cert=str(cert), tls_key=str(key))
    with pvs_sim.Simulator(options) as sim:
        served = ssl.get_server_certificate(("127.0.0.1", sim.ports["https"] or 0))
    assert served.split() == cert.read_text().split()
