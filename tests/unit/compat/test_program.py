"""The program as systemd runs it: one process, stopped by a signal, restarted after a crash."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.compat.conftest import ROLE, Boot
from unit.compat.running import Compat, config_for

PROGRAM = ROLE.parent / "agent/files/pvs_bridge/__main__.py"


@contextlib.contextmanager
def program(file: Path, socket: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program."""
    command = [sys.executable, "-I", str(PROGRAM), "compat", "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        try:
            deadline = time.monotonic() + 10
            while not socket.exists() or not accepts(socket):
                assert time.monotonic() < deadline, running.poll()
                time.sleep(0.05)
            yield running
        finally:
            running.kill()


def accepts(socket: Path) -> bool:
    """Return whether a server answers on a socket."""
    with contextlib.suppress(OSError):
        return Compat(config_for("http://127.0.0.1", socket.parent)).get("/ready").status > 0
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_stops_on_a_signal(
    boot: Boot, tmp_path: Path, number: signal.Signals
) -> None:
    config = config_for(boot().http_url, tmp_path)
    file = tmp_path / "compat.json"
    file.write_text(json.dumps(dataclasses.asdict(config)))
    socket = Path(config.listen_socket)
    with program(file, socket) as first:
        assert Compat(config).get().status == 200
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert socket.exists()
    with program(file, socket) as second:
        assert Compat(config).get().status == 200
        assert socket.stat().st_mode & 0o777 == 0o660
        second.send_signal(number)
        assert second.wait(10) == 0
    assert not socket.exists()


def test_a_socket_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    config = config_for("http://127.0.0.1:9", tmp_path, listen_socket=str(tmp_path / "no/x.sock"))
    file = tmp_path / "compat.json"
    file.write_text(json.dumps(dataclasses.asdict(config)))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "compat", "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no/x.sock" in done.stderr
    assert "Traceback" not in done.stderr
